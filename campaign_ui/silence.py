"""Tells open pages of workers that do not answer any more: such a worker says nothing itself.

One look at senders and workers for all pages of this process, while there are any.
"""

import asyncio
import logging

from campaign_ui import live
from campaign_ui.off_loop import off_loop
from core import db
from core.delivery import lease, workers
from core.live import Hint

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds
_told: set[tuple[int, int, bool]] = set()
_nobody: bool | None = None  # whether no worker lived at the last look
_task: "asyncio.Task[None] | None" = None


def start() -> None:
    """NiceGUI calls it when its loop runs."""
    global _task
    stop()
    _task = asyncio.get_running_loop().create_task(_watch())


def stop() -> None:
    global _task, _nobody
    if _task is not None:
        _task.cancel()
    _task = _nobody = None
    _told.clear()


async def look() -> None:
    """Hint at the senders whose owners fell silent, or whose leases ended so, since the last look; at everything where
    the last worker died."""
    global _nobody
    found, nobody = await off_loop(_silences)
    if _nobody is not None and nobody != _nobody:
        live.tell(Hint(None))
    _nobody = nobody
    for user_id, sender_id, _ in found - _told:
        live.tell(Hint(user_id, "sender", sender_id))
    _told.clear()
    _told.update(found)


async def _watch() -> None:
    while True:
        await asyncio.sleep(EVERY)
        if not live.has_pages():
            continue
        try:
            await look()
        except Exception as error:
            if not db.is_away(error):
                log.exception("the look at silent workers failed; the next one may not")


def _silences() -> tuple[set[tuple[int, int, bool]], bool]:
    with db.reading() as session:
        return lease.silences(session), workers.is_missing(session)
