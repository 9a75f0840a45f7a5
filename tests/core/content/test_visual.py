import pytest

from core.content import visual

SOURCE = "<!doctype html>\r\n<p>Hi {{ first_name }} 😀</p>"


@pytest.mark.parametrize(
    ("at", "gone", "put", "became"),
    [
        (20, 2, "Dear", "<!doctype html>\r\n<p>Dear {{ first_name }} 😀</p>"),
        (40, 1, "🎉", "<!doctype html>\r\n<p>Hi {{ first_name }} 🎉</p>"),
        (0, 0, "", SOURCE),
        (len(SOURCE), 0, "\n", SOURCE + "\n"),
    ],
)
def test_a_change_leaves_everything_else_as_it_was(at: int, gone: int, put: str, became: str) -> None:
    said = {"at": at, "gone": gone, "put": put, "size": len(became)}
    made = visual.change(said)
    assert made is not None and visual.changed(SOURCE, made) == became


@pytest.mark.parametrize(
    ("at", "gone", "size"), [(0, 1, len(SOURCE) + 5), (60, 0, len(SOURCE) + 1), (-1, 0, 1), (0, -2, 1)]
)
def test_a_change_of_another_source_is_not_made(at: int, gone: int, size: int) -> None:
    with pytest.raises(visual.OutOfStep):
        visual.changed(SOURCE, visual.Change(at, gone, "x", size))


def test_the_whole_takes_the_place_of_what_went_out_of_step() -> None:
    assert visual.changed(SOURCE, visual.Change(0, -1, "<p>x</p>", 8)) == "<p>x</p>"


@pytest.mark.parametrize("said", [None, "x", {}, {"at": "0", "gone": 0, "put": "", "size": 0}, {"at": 0, "gone": 0}])
def test_what_is_no_change_is_none(said: object) -> None:
    assert visual.change(said) is None
