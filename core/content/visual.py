"""Changes of an HTML body that is edited as it is seen: the browser says what differs, here it becomes the source."""

from dataclasses import dataclass


class OutOfStep(Exception):
    """The browser's source and ours are not the same any more: ask it for the whole."""


@dataclass(frozen=True)
class Change:
    """``gone`` characters at ``at`` give way to ``put``; then there are ``size``. ``gone`` -1: everything does."""

    at: int
    gone: int
    put: str
    size: int


def change(said: object) -> Change | None:
    """What a browser said, if it is a change."""
    if not isinstance(said, dict):
        return None
    at, gone, size, put = (said.get(name) for name in ("at", "gone", "size", "put"))
    if type(at) is not int or type(gone) is not int or type(size) is not int or not isinstance(put, str):
        return None
    return Change(at, gone, put, size)


def changed(source: str, made: Change) -> str:
    """``source`` with the change, everything else in it as it was. Raises OutOfStep where that cannot be."""
    if made.gone == -1:
        return made.put
    became = source[: made.at] + made.put + source[made.at + made.gone :]
    if made.at < 0 or made.gone < 0 or made.at + made.gone > len(source) or len(became) != made.size:
        raise OutOfStep
    return became
