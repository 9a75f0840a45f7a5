"""Read the new mails of a bounce mailbox once: find the reports, note what they say, remember how far it was read."""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from core import db
from core.delivery import bounce_mailbox, imap
from core.delivery.bounce_mailbox import Turn
from core.delivery.imap import Folder, Head, Trouble
from core.errors import RuleError
from core.tracking import bounces, returned

log = logging.getLogger(__name__)

FIRST = timedelta(days=14)  # what is older when a mailbox is read for the first time is left alone
MOST_MAILS = 2_000  # in one check; the next one follows at once
_TOGETHER = 100  # mails whose reports are stored in one transaction
_LONG = 30.0  # seconds after which the rest is left to the next check: below the deadline of a visit


@dataclass(frozen=True)
class Checked:
    """``mails``: looked at. ``bounced``, ``complained``, ``unsubscribed``: new facts. ``more``: mails are left."""

    mails: int = 0
    bounced: int = 0
    complained: int = 0
    unsubscribed: int = 0
    more: bool = False

    def plus(self, other: "Checked") -> "Checked":
        mails, bounced = self.mails + other.mails, self.bounced + other.bounced
        unsubscribed = self.unsubscribed + other.unsubscribed
        return Checked(mails, bounced, self.complained + other.complained, unsubscribed)


def check_next() -> bool:
    """Check the mailbox that waits longest, if one is due. Returns whether one was."""
    with db.session() as session:
        turn = bounce_mailbox.take_turn(session)
    if turn is None:
        return False
    with suppress(Trouble):  # it is written down
        check(turn)
    return True


def check_now(user_id: int, sender_id: int) -> Checked:
    """Check the mailbox of this sender at its user's wish. Blocks, at most about a minute.

    Raises Trouble where it cannot be read, RuleError while it is being read, NotFound.
    """
    with db.session() as session:
        turn = bounce_mailbox.take_turn(session, user_id, sender_id)
    if turn is None:
        raise RuleError("This mailbox is being read just now.")
    return check(turn)


def check(turn: Turn) -> Checked:
    """Read what is new in the mailbox. Raises Trouble, and what a database raises; both are written down too."""
    done, trouble = Checked(), None
    try:
        if turn.broken:
            raise Trouble(turn.broken, lasting=True)
        with imap.opened(turn.account) as folder:
            done = _read(turn, folder)
    except Trouble as error:
        trouble = error
        raise
    except Exception:
        trouble = Trouble("What the mailbox has could not be stored. We try again.")
        raise
    finally:
        with db.session() as session:
            bounce_mailbox.end_turn(session, turn, trouble, at_once=done.more)
    if done.bounced or done.complained or done.unsubscribed:
        words = "sender %s: %s bounces, %s complaints, %s unsubscribed in its mailbox"
        log.info(words, turn.sender_id, done.bounced, done.complained, done.unsubscribed)
    return done


def try_out(account: imap.Account) -> str:
    """Sign in, open the folder and leave; what was found, as a sentence. Raises Trouble."""
    with imap.opened(account) as folder:
        mails = "1 mail" if folder.count == 1 else f"{folder.count:,} mails"
        return f"Signed in to {account.host}. {account.folder} has {mails}."


def _read(turn: Turn, folder: Folder) -> Checked:
    began, is_known = monotonic(), turn.uid_validity == folder.uid_validity
    uids = folder.newer(turn.last_uid if is_known else 0, None if is_known else (turn.now - FIRST).date())
    done = Checked()
    if not uids and not is_known:
        _keep(turn, folder.uid_validity, [0], [])
    for start in range(0, min(len(uids), MOST_MAILS), _TOGETHER):
        if monotonic() - began > _LONG or not folder.has_room(_TOGETHER):
            break
        some = uids[start : start + _TOGETHER]
        reports = [report for head in folder.heads(some) if (report := _report(folder, head)) is not None]
        found = _keep(turn, folder.uid_validity, some, reports)
        done = done.plus(found)
        if found.mails != len(some):
            return done
    return replace(done, more=done.mails < len(uids))


@dataclass(frozen=True)
class _Report:
    uid: int
    at: datetime | None
    said: returned.Returned


def _report(folder: Folder, head: Head) -> _Report | None:
    if not returned.may_be_one(head.fields):
        return None
    raw = folder.mail(head.uid)  # a connection that breaks here ends the visit: what was not read is left
    try:
        said = returned.read(raw)
    except Exception:  # one mail, of whatever making, must not hold up the others for ever
        log.exception("a mail in a bounce mailbox could not be read")
        return None
    return _Report(head.uid, head.at, said) if said is not None else None


def _keep(turn: Turn, uid_validity: int, uids: list[int], reports: list[_Report]) -> Checked:
    """Store together; where that fails, though the database is there, one by one and without what cannot be stored."""
    try:
        return _store(turn, uid_validity, uids, reports)
    except Exception as error:
        if db.is_away(error) or not reports:
            raise
        if len(uids) == 1:
            log.exception("a report in the mailbox of sender %s could not be stored", turn.sender_id)
            return _store(turn, uid_validity, uids, [])
    done = Checked()
    for uid in uids:
        found = _keep(turn, uid_validity, [uid], [report for report in reports if report.uid == uid])
        done = done.plus(found)
        if not found.mails:
            break
    return done


def _store(turn: Turn, uid_validity: int, uids: list[int], reports: list[_Report]) -> Checked:
    """What the reports say and how far the folder was read, together: after a crash they are read again.

    Stops before a report about a mail that a worker has in hand; nothing is kept where the mailbox is another one now.
    """
    reports = sorted(reports, key=lambda report: report.uid)
    with db.session() as session:
        noted = bounces.record_all(session, turn.user_id, [(report.said, report.at) for report in reports])
        if noted and noted[-1].in_hand:
            uids = [uid for uid in uids if uid < reports[len(noted) - 1].uid]
        if not uids:
            return Checked()
        found = Checked(
            len(uids),
            sum(one.bounced for one in noted),
            sum(one.complained for one in noted),
            sum(one.unsubscribed for one in noted),
        )
        if not bounce_mailbox.keep(session, turn, uid_validity, uids[-1], found.bounced, found.complained):
            session.rollback()
            return Checked()
    return found
