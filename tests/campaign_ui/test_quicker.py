from functools import partial

import pytest
from nicegui import client, helpers, observables
from nicegui.testing import User

from campaign_ui import quicker
from tests.campaign_ui.conftest import SignIn


class _Page:
    def told(self) -> None: ...

    def given(self, _event: object) -> None: ...

    def maybe(self, _event: object = None, *_more: object) -> None: ...


def test_it_says_of_every_callable_what_nicegui_says() -> None:
    page, other = _Page(), _Page()
    for call in (page.told, page.given, page.maybe, other.given, other.told, lambda: 1, lambda event: event, print):
        assert quicker.expects_arguments(call) == quicker._ask(call)
    assert not quicker.expects_arguments(partial(page.given, 1))


def test_nicegui_looks_it_up_where_it_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(helpers, "expects_arguments", lambda call: bool(asked.append(call)))
    watched = observables.ObservableList([], on_change=lambda: None)
    assert len(asked) == 1 and watched == []


def test_a_page_is_escaped_as_nicegui_escapes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = quicker.dumps({"text": "</script> & &amp; `$ <b>x</b> Zürich \u2028", "events": [None, 1.5, True]})
    assert type(said) is quicker.Told and said.translate(client.HTML_ESCAPE_TABLE) == str.translate(
        said, client.HTML_ESCAPE_TABLE
    )
    assert not set("<>`$") & set(said.translate(client.HTML_ESCAPE_TABLE))
    assert said.translate({ord("x"): "y"}) == said.replace("x", "y")


async def test_what_a_page_says_goes_through_it(user: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    escaped: list[str] = []
    monkeypatch.setattr(quicker.Told, "translate", lambda self, table: escaped.append(self) or "{}")
    sign_in(user)
    await user.open("/settings")
    assert "Time zone" in escaped[0]
