"""Doing something for the user: off the loop, in one transaction, with the sentence when a rule forbids it."""

from collections.abc import Callable
from typing import Any

from nicegui import run

from campaign_ui.parts.notices import notify_done, notify_error
from core import db
from core.errors import RuleError


async def act(call: Callable[..., Any], *args: Any, done: str = "", **values: Any) -> bool:
    """``call(session, *args)``; True when it was done (and ``done`` said), False when a RuleError was shown."""
    try:
        await run.io_bound(_transaction, call, args, values)
    except RuleError as error:
        notify_error(str(error))
        return False
    if done:
        notify_done(done)
    return True


def _transaction(call: Callable[..., Any], args: tuple[Any, ...], values: dict[str, Any]) -> Any:
    with db.session() as session:
        return call(session, *args, **values)
