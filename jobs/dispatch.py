"""Decide what is due: every 10 s and on each wake-up, in every worker; doing it twice or at once changes nothing."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from core import campaigns, db
from core.campaigns import again, refusing
from core.delivery import lease, snapshot

log = logging.getLogger(__name__)

_HINT_EVERY = 1.0  # seconds, while a large campaign is written down (which takes longer than a tick)
_one = threading.Lock()
_again = threading.Event()


def dispatch(hint: Callable[[int], None]) -> None:
    """Recover, start, write down recipients, finish; ``hint(sender_id)`` for each sender that has due mail."""
    _again.set()
    while _again.is_set():
        # One at a time in this process; who comes meanwhile leaves word that there is more.
        if not _one.acquire(blocking=False):
            return
        try:
            _again.clear()
            tick(hint)
        finally:
            _one.release()


def tick(hint: Callable[[int], None]) -> None:
    """One round. What fails is logged and does not stop the rest."""
    _step("recover", recover)
    _step("start", start_due)
    _step("snapshot", lambda: write_down(hint))
    _step("leave out", leave_out)
    _step("bring back", bring_back)
    _step("hint", lambda: hint_senders(hint))
    _step("finish", finish_done)


def recover() -> None:
    with db.session() as session:
        lease.recover(session)


def start_due() -> None:
    with db.session() as session:
        campaigns.start_due(session)


def finish_done() -> None:
    with db.session() as session:
        campaigns.finish_done(session)


def write_down(hint: Callable[[int], None]) -> None:
    """Recipients of started campaigns become messages, a chunk of each in turn; sending begins with the first."""
    hinted = monotonic()
    waiting = _waiting()
    while waiting:
        waiting = [campaign_id for campaign_id in waiting if _chunk(campaign_id)]
        if waiting and monotonic() - hinted > _HINT_EVERY:
            _step("recover", recover)
            _step("start", start_due)  # what is due meanwhile has its turn too
            hint_senders(hint)
            hinted = monotonic()
            waiting = _waiting()


def leave_out() -> None:
    """Mails for domains that refuse their campaign fail, a chunk of each in turn."""
    with db.reading() as session:
        waiting = refusing.waiting(session)
    while waiting:
        waiting = [left for left in waiting if _left_out(left)]


def bring_back() -> None:
    """What was left out of campaigns that then nobody else took waits again."""
    with db.reading() as session:
        wrong = refusing.wrong(session)
    for user_id, campaign_id in wrong:
        while _brought_back(user_id, campaign_id):
            pass


def _left_out(left: refusing.Left) -> bool:
    with db.session() as session:
        return refusing.leave_out_chunk(session, left)


def _brought_back(user_id: int, campaign_id: int) -> bool:
    with db.session() as session:
        return again.bring_back(session, user_id, campaign_id)


def hint_senders(hint: Callable[[int], None]) -> None:
    with db.reading() as session:
        due = lease.due(session)
    for sender_id in due:
        hint(sender_id)


def _waiting() -> list[int]:
    with db.reading() as session:
        return snapshot.waiting(session)


def _chunk(campaign_id: int) -> bool:
    """Whether there is more; a campaign that fails waits for the next tick and holds up no other."""
    more: list[bool] = []

    def add() -> None:
        with db.session() as session:
            more.append(snapshot.add_chunk(session, campaign_id))

    _step(f"snapshot of campaign {campaign_id}", add)
    return any(more)


def _step(name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:
        if db.is_away(error):
            log.warning("dispatch: %s waits, the database is away", name)
        else:
            log.exception("dispatch: %s failed", name)
