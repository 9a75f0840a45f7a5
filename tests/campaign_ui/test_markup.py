import pytest

from campaign_ui.parts.markup import Html, fill, icon


def test_values_are_text_and_pieces_stay_html() -> None:
    inner = fill("<b>{}</b>", "<script>alert(1)</script>")
    assert fill('<p title="{}">{}{}</p>', '"x', inner, icon("send", "big")) == (
        '<p title="&#34;x"><b>&lt;script&gt;alert(1)&lt;/script&gt;</b>'
        '<i class="q-icon notranslate material-icons big" aria-hidden="true">send</i></p>'
    )


def test_text_that_was_not_filled_in_is_refused() -> None:
    with pytest.raises(TypeError, match="fill"):
        Html("<b>from a mail</b>")  # type: ignore[arg-type]
