"""The rule, thousands of times a second: mails were accepted, others may have their dot, and all is as believed.

What ``ledger.settle``, ``ledger.mark`` and ``Tally.store`` do for any group, in one statement: each way into a
database costs about as much as what it does there, and the driver of SQLite lets other threads run at each.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from core import db
from core.delivery import ledger, left_out
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Touched
from core.hot import Hot, StatementFailed

_id, _message, _campaign = attrgetter("id"), attrgetter("message"), attrgetter("campaign_id")
_owner, _claim = attrgetter("user_id", "campaign_id"), attrgetter("sender_id", "epoch")

Entry = dict[str, Any]  # what the statement is told of the messages under one claim: numbers and texts


class NotAll(Exception):
    """Not every message was as its owner believes: nothing of the group is written. Look at each instead."""


def entries(accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> list[Entry]:
    """What ``store`` is to be told of these mails that were accepted and of those that may have their dot."""
    claims = sorted({*map(_claim, map(_message, accepted)), *map(_claim, marks)})
    if len(claims) == 1:
        return [_entry(*claims[0], accepted, marks)]
    return [
        _entry(
            *claim,
            [outcome for outcome in accepted if _claim(outcome.message) == claim],
            [message for message in marks if _claim(message) == claim],
        )
        for claim in claims
    ]


def _entry(sender_id: int, epoch: int, accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Entry:
    # In order of id: the order in which every writer locks messages.
    told = {outcome.message.id: f"{outcome.code} {outcome.reply}" for outcome in accepted}
    return {
        "sender_id": sender_id,
        "held": epoch,
        "accepted": json.dumps({id: told[id] for id in sorted(told)}),
        "marks": json.dumps(sorted(map(_id, marks))),
        "sent_count": len(accepted),
        "marked_count": len(marks),
        "moves": json.dumps(_moves(accepted, marks)),
    }


def owners(accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Touched:
    """Whom to tell of them."""
    return {*map(_owner, map(_message, accepted)), *map(_owner, marks)}


def store(on: Hot, entries: Sequence[Entry]) -> None:
    """sending -> sent for all that were accepted, claimed -> sending for all marks, counters with them.

    In a transaction with ``steps()``, which may be that of one statement where it is one entry. Raises NotAll.
    """
    now = on.now()
    hour_at = now.replace(minute=0, second=0, microsecond=0)
    try:
        for entry in entries:
            on.run(_statement(on.dialect), **entry, now=now, hour_at=hour_at)
    except StatementFailed:
        raise NotAll from None


def look(on: Hot, messages: Sequence[Claimed]) -> None:
    """Whether all of these claimed ones may still be sent. Raises NotAll where one may not."""
    values = {"given": ledger.given(messages), "now": on.now()}
    if messages and on.rows(_wanted_statement(on.dialect), **values)[0][0] != len(messages):
        raise NotAll


@cache
def _wanted_statement(dialect: str) -> str:
    return f"""
        select count(*) from {db.given_in(dialect, **ledger.CLAIM)}
        join message on {ledger.HELD} and message.state = 'claimed'
        join campaign on campaign.id = message.campaign_id and campaign.status = 'sending'
                     and campaign.sender_id = message.sender_id
                     and (campaign.hold_until is null or campaign.hold_until <= :now)
        where not exists (select 1 from suppression where suppression.user_id = campaign.user_id
                                                      and suppression.email = message.email)
          and {left_out.REASON} is null
    """


def _moves(accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> list[dict[str, int]]:
    """How many messages of each campaign were accepted and marked, by its id."""
    sent, marked = Counter(map(_campaign, map(_message, accepted))), Counter(map(_campaign, marks))
    return [{"campaign_id": id, "sent": sent[id], "marked": marked[id]} for id in sorted({*sent, *marked})]


_COUNTERS = """claimed_count = claimed_count - given.marked, sent_count = sent_count + given.sent,
               sending_count = sending_count + given.marked - given.sent"""
_HOURS = """insert into activity (campaign_id, hour_at, sent_count, failed_count, opened_count)
            select given.campaign_id, :hour_at, given.sent, 0, 0 from {given} where given.sent > 0
            on conflict (campaign_id, hour_at) do update set sent_count = activity.sent_count + excluded.sent_count"""


_NAMES = ("sender_id", "held", "sent_count", "marked_count", "accepted", "marks", "moves", "now", "hour_at")


@cache
def _parts(dialect: str) -> tuple[str, str, str, str]:
    """SQL of what is done: accepted mails, marks, the counters, the numbers of the hour."""
    claim = "cast(:held as int) as held, cast(:sender_id as int) as sender_id"
    reply = "cast(substr(pair.value, 1, 3) as int) as code, substr(pair.value, 5) as reply"
    pairs, numbers = db.pairs_in(dialect, "accepted"), f"{db.each_in(dialect, 'marks')} as number"
    accepted = f"(select cast(pair.key as bigint) as message_id, {claim}, {reply} from {pairs})"
    marks = f"(select number.value as message_id, {claim} from {numbers})"
    moves = db.given_in(dialect, "moves", campaign_id="int", sent="int", marked="int")
    return (
        ledger.sent_statement(dialect, f"{accepted} as given", "sending"),
        ledger.mark_statement(dialect, f"{marks} as given"),
        f"update campaign set {_COUNTERS} from {moves} where campaign.id = given.campaign_id",
        _HOURS.format(given=moves),
    )


@cache
def _statement(dialect: str) -> str:
    """All of it in one statement, which fails where not every message was as it is told."""
    if dialect == "sqlite":
        return f"insert into usual ({', '.join(_NAMES)}) values ({', '.join(f':{name}' for name in _NAMES)})"
    sent, marked, counters, hours = _parts(dialect)
    # The messages first, as everywhere: what the SELECT does not look at is done after it.
    return f"""
        with sent as ({sent} returning 1), marked as ({marked} returning 1),
             counted as ({counters}), hours as ({hours}),
             found as (select (select count(*) from sent) as sent, (select count(*) from marked) as marked)
        select 1 / (case when found.sent = cast(:sent_count as int) and found.marked = cast(:marked_count as int)
                    then 1 else 0 end) from found
    """


@cache
def steps() -> tuple[str, ...]:
    """SQLite does the same by one way into it: a row for a view that is not there to be read.

    To be made on its connection before: the ``temporary`` of ``hot.Kept.transaction``.
    """
    sent, marked, counters, hours = (_PARAMETER.sub(r"new.\1", part) for part in _parts("sqlite"))
    all_of = "select raise(abort, 'not all') where changes() <> new.{}"
    done = (sent, all_of.format("sent_count"), marked, all_of.format("marked_count"), counters, hours)
    columns = ", ".join(f"null as {name}" for name in _NAMES)
    body = "; ".join(done)
    return (
        f"create temp view if not exists usual as select {columns}",
        f"create temp trigger if not exists usual_store instead of insert on usual begin {body}; end",
    )


_PARAMETER = re.compile(r":(\w+)")
