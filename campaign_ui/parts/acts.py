"""Doing something for the user: off the loop, in one transaction, with the sentence when a rule forbids it."""

from collections.abc import Callable
from typing import Any, TypeVar

from nicegui import run
from starlette.concurrency import run_in_threadpool

from campaign_ui.parts.notices import notify_done, notify_error
from core import db
from core.campaigns import Chunk
from core.errors import RuleError

T = TypeVar("T")


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


async def act_in_chunks(call: Callable[..., Chunk], *args: Any, done: str, **values: Any) -> bool:
    """``call(session, *args, after=…)`` again and again, each in its own transaction, until it says that was all.

    ``done``: said at the end, ``{count}`` filled in ("1 mail", "1,200 mails"). What is done stays done when a later
    chunk is refused, whose RuleError is shown then.
    """
    count, after = 0, 0
    while True:
        try:
            chunk = await run.io_bound(_transaction, call, args, {**values, "after": after})
        except RuleError as error:
            notify_error(str(error))
            return False
        count += chunk.count
        if chunk.last_id is None:
            break
        after = chunk.last_id
    notify_done(done.format(count="1 mail" if count == 1 else f"{count:,} mails"))
    return True


async def long_work(call: Callable[..., T], *args: Any) -> T:
    """``call(*args)`` off the loop where it may take minutes: the few threads of ``run.io_bound`` read the pages."""
    return await run_in_threadpool(call, *args)


def _transaction(call: Callable[..., Any], args: tuple[Any, ...], values: dict[str, Any]) -> Any:
    with db.session() as session:
        return call(session, *args, **values)
