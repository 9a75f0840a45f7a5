"""One group commit: results, starts and marks of many mails in one transaction, counters with them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from core import campaigns, db, hot
from core.campaigns import refusing
from core.campaigns.refusing import Left
from core.delivery import consequence, ledger, usage, usual
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Tally, Touched
from core.delivery.usage import Start
from core.hot import Hot
from core.models import Attempt, Campaign, CampaignStatus, MessageState, PauseReason
from core.tracking import bounces

_SENT = {MessageState.sent.value}
# The loops over a group are of the interpreter's own.
_state, _id, _message = attrgetter("state"), attrgetter("id"), attrgetter("message")


@dataclass
class Group:
    """What waits to be committed together. ``used``: starts of unlimited senders, sender id -> how many."""

    marks: list[Claimed] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    used: Counter[int] = field(default_factory=Counter)

    @property
    def messages(self) -> list[Claimed]:
        return [*map(_message, self.outcomes), *map(_message, self.starts), *self.marks]

    @property
    def usual(self) -> bool:
        """Nothing but starts, marks, and mails that were accepted."""
        return not self.used and {*map(_state, self.outcomes)} <= _SENT


@dataclass
class Flushed:
    """What came of it: the ids that may go to the wire."""

    marked: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)
    touched: Touched = field(default_factory=set)
    then: dict[Left, Callable[[Session], Any]] = field(default_factory=dict)  # next, each in its own transaction


def flush(session: Session, group: Group) -> Flushed:
    """Write the group down. Safe to repeat when the answer to a commit was lost."""
    done, tally, now = Flushed(), Tally(), db.now(session)
    usage.lock(session, {start.message.sender_id for start in group.starts})
    ledger.lock(session, group.messages)
    ledger.settle(session, sorted(group.outcomes, key=lambda outcome: outcome.message.id), now, tally)
    wanted = ledger.still_wanted(session, [start.message for start in group.starts], tally)
    done.begun = usage.start_all(hot.within(session), [start for start in group.starts if start.message.id in wanted])
    if group.marks:
        done.marked = ledger.mark(session, group.marks, tally)
    for sender_id, count in group.used.items():
        usage.record(session, sender_id, now, count)
    done.touched = tally.store(session, now)
    for outcome in group.outcomes:
        if outcome.alike and outcome.state == MessageState.failed:
            message = outcome.message
            if left := refusing.look(session, message.user_id, message.id, outcome.reply):
                done.then[left] = partial(refusing.leave_out_chunk, left=left)
            else:
                _pause_when_identical(session, outcome)
    return done


def flush_usual(on: Hot, group: Group, entry: usual.Entry) -> Flushed:
    """The same for a group that is ``usual``, several times as quick. Raises usual.NotAll: then ``flush`` it."""
    usual.look(on, [start.message for start in group.starts])
    begun = usage.start_all(on, group.starts)
    if entry:
        usual.store(on, entry)
    return Flushed({*map(_id, group.marks)}, begun, usual.owners(group.outcomes, group.marks))


def _pause_when_identical(session: Session, outcome: Outcome) -> None:
    """The same refusal of the content for the third time since the campaign was (re)started: ask its user.

    Not where these are single ones among many mails that were accepted: readers' own filters, and nobody's mistake.
    """
    campaign_id = outcome.message.campaign_id
    since = select(Campaign.updated_at, col(Campaign.sent_count) + col(Campaign.failed_count)).where(
        col(Campaign.id) == campaign_id, col(Campaign.status) == CampaignStatus.sending
    )
    found = session.exec(since).first()
    if found is None:
        return
    updated_at, decided = found
    identical = select(func.count()).where(
        col(Attempt.campaign_id) == campaign_id,
        col(Attempt.rule_id) == outcome.rule_id,
        col(Attempt.phase) != bounces.PHASE,  # what came back later was not refused now
        col(Attempt.at) >= updated_at,
    )
    if consequence.is_the_content(session.exec(identical).one(), outcome.alike, decided):
        campaigns.pause_for(session, campaign_id, PauseReason.content, outcome.reply)
