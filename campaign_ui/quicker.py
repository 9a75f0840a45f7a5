"""What NiceGUI asks again and again is asked once."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from nicegui import client, helpers, json

_ask: Callable[..., bool] = helpers.expects_arguments
_known: dict[Any, bool] = {}


def setup() -> None:
    """Each element asks for the signature of three methods of its own, which are the same functions each time: a

    quarter of the time to build a page (measured with py-spy on 3.18).
    """
    helpers.expects_arguments = expects_arguments
    setattr(client, "json", SimpleNamespace(dumps=dumps, loads=json.loads))  # noqa: B010  it exports none


def expects_arguments(func: Callable[..., Any]) -> bool:
    """What ``nicegui.helpers.expects_arguments`` says; of a method it depends on the function only."""
    function = getattr(func, "__func__", None)
    if not inspect.isfunction(function):
        return _ask(func)
    if function not in _known:
        _known[function] = _ask(func)
    return _known[function]


def dumps(value: Any) -> str:
    return Told(json.dumps(value))


class Told(str):
    """What a page tells its browser, as JSON. It is escaped for HTML at once, where ``str`` goes from character to

    character: 7 ms of the 94 kB of Compose, in which nobody else is answered.
    """

    __slots__ = ()

    def translate(self, table: Any) -> str:
        if table is not client.HTML_ESCAPE_TABLE:
            return super().translate(table)
        escaped = str(self)
        for character, words in table.items():  # the ampersand is the first
            escaped = escaped.replace(chr(character), words)
        return escaped
