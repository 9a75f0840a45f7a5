"""What a list shows stands in the address of its page, so that it can be kept, shared, and gone back to."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, urlencode

from nicegui import events, ui


def address(path: str, view: Any, usual: Any) -> str:
    """``path`` with the fields of the dataclass ``view`` that differ from ``usual``."""
    plain = asdict(usual)
    told = {name: value for name, value in asdict(view).items() if value != plain[name]}
    return f"{path}?{urlencode(told)}" if told else path


def say(href: str, *, is_typed: bool = False, is_new: bool = True) -> None:
    """Show ``href`` as the address of this page: the one before is an entry of the browser's history to go back to.

    ``is_typed``: a search, of which all that is typed without a rest is one entry (``cmAddress`` in static/app.js).
    Not ``is_new``: it takes the place of the one before, which leads nowhere.
    """
    ui.run_javascript(f"cmAddress.say({json.dumps(href)}, {json.dumps(is_typed)}, {json.dumps(is_new)})")


def on_back(show: Callable[[dict[str, str]], Awaitable[None]]) -> None:
    """Let ``show`` show what its user goes back (or forth) to: it is given the query of that address."""

    async def gone(event: events.GenericEventArguments) -> None:
        asked = parse_qs(str(event.args)[:2_000].removeprefix("?"))
        await show({name: values[0] for name, values in asked.items()})

    ui.on("cm_address", gone)


def page_number(text: str, otherwise: int = 1) -> int:
    """A number from an address, at least 1; ``otherwise`` where it is none."""
    return max(1, int(text)) if text.isdecimal() and len(text) < 10 else otherwise
