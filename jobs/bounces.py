"""Reads the bounce mailboxes that are due, one after the other: a slow one holds up other mailboxes, never a mail."""

import logging
import threading
from time import monotonic

from core import db
from core.tracking import mailbox

log = logging.getLogger(__name__)

_LONG = 50.0  # seconds in one task; the next tick goes on

_reading = threading.Lock()


def read_mailboxes() -> None:
    """One round. A second one in this process ends at once: other tasks need the other threads of the queue."""
    if not _reading.acquire(blocking=False):
        return
    try:
        began = monotonic()
        while monotonic() - began < _LONG and mailbox.check_next():
            pass
    except Exception as error:
        if not db.is_away(error):
            log.exception("bounce mailboxes could not be read")
    finally:
        _reading.release()
