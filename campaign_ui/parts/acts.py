"""Doing something for the user: off the loop, in one transaction, with the sentence when a rule forbids it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.undo import notify_undo
from core import db
from core.campaigns import Chunk
from core.errors import RuleError

T = TypeVar("T")


async def act(
    call: Callable[..., Any],
    *args: Any,
    done: str | Callable[[Any], str] = "",
    href: Callable[[Any], str] | None = None,
    then: Callable[[Any], Any] | None = None,
    **values: Any,
) -> bool:
    """``call(session, *args)``; True when it was done (and ``done`` said), False when a RuleError was shown.

    ``done``: a sentence, or what makes it from what the call gave; ``href``: where its Open leads, made likewise.
    ``then`` is called with what the call gave.
    """
    try:
        gave = await off_loop(_transaction, call, args, values)
    except RuleError as error:
        notify_error(str(error))
        return False
    if done:
        sentence = done if isinstance(done, str) else done(gave)
        if href is not None:
            notify_done(sentence, href=href(gave))
        else:
            notify_done(sentence)
    if then is not None:
        then(gave)
    return True


async def act_undoably(
    call: Callable[..., T], *args: Any, done: str, undo: Callable[[Session, int, T], Any], user_id: int
) -> bool:
    """``call(session, user_id, *args)``, and a toast whose Undo calls ``undo(session, user_id, what call gave)``."""
    try:
        gave: T = await off_loop(_transaction, call, (user_id, *args), {})
    except RuleError as error:
        notify_error(str(error))
        return False

    notify_undo(done, taking_back(undo, user_id, gave))
    return True


def taking_back(
    call: Callable[..., Any], *args: Any, done: str | Callable[[Any], str] = "It is back."
) -> Callable[[], Awaitable[Any]]:
    """For ``notify_undo``: does ``call(session, *args)`` and says so."""
    return partial(act, call, *args, done=done)


async def act_in_chunks(call: Callable[..., Chunk], *args: Any, done: str, **values: Any) -> bool:
    """``call(session, *args, after=…)`` again and again, each in its own transaction, until it says that was all.

    ``done``: said at the end, ``{count}`` filled in ("1 mail", "1,200 mails"). What is done stays done when a later
    chunk is refused, whose RuleError is shown then.
    """
    count, after = 0, 0
    while True:
        try:
            chunk = await off_loop(_transaction, call, args, {**values, "after": after})
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
    """``call(*args)`` off the loop where it may take minutes: the few threads of ``off_loop`` read the pages."""
    return await run_in_threadpool(call, *args)


def _transaction(call: Callable[..., Any], args: tuple[Any, ...], values: dict[str, Any]) -> Any:
    with db.session() as session:
        return call(session, *args, **values)
