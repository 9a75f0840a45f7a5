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

from core import db
from core.delivery import ledger, left_out
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Touched
from core.hot import Hot, StatementFailed

_message, _campaign, _owner = attrgetter("message"), attrgetter("campaign_id"), attrgetter("user_id", "campaign_id")


class NotAll(Exception):
    """Not every message was as its owner believes: nothing of the group is written. Look at each instead."""


def store(on: Hot, accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Touched:
    """sending -> sent for all of ``accepted``, claimed -> sending for all of ``marks``, counters with them.

    In a transaction with ``steps()``. Returns whom to tell after the commit. Raises NotAll.
    """
    now = on.now()
    values = {"accepted": ledger.given_sent(accepted), "marks": ledger.given(marks), "now": now}
    values["hour_at"] = now.replace(minute=0, second=0, microsecond=0)
    try:
        on.run(_statement(on.dialect), **values, moves=json.dumps(_moves(accepted, marks)))
    except StatementFailed:
        raise NotAll from None
    return {*map(_owner, map(_message, accepted)), *map(_owner, marks)}


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


@cache
def _parts(dialect: str) -> tuple[str, str, str, str]:
    """SQL of what is done: accepted mails, marks, the counters, the numbers of the hour."""
    given = db.given_in(dialect, "moves", campaign_id="int", sent="int", marked="int")
    return (
        ledger.sent_statement(dialect, "accepted", "sending"),
        ledger.mark_statement(dialect, "marks"),
        f"update campaign set {_COUNTERS} from {given} where campaign.id = given.campaign_id",
        _HOURS.format(given=given),
    )


@cache
def _statement(dialect: str) -> str:
    """All of it in one statement, which fails where not every message was as it is told."""
    if dialect == "sqlite":
        names = ("accepted", "marks", "moves", "now", "hour_at")
        return f"insert into usual ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"
    sent, marked, counters, hours = _parts(dialect)
    # The messages first, as everywhere: what the SELECT does not look at is done after it.
    return f"""
        with sent as ({sent} returning 1), marked as ({marked} returning 1),
             counted as ({counters}), hours as ({hours}),
             found as (select (select count(*) from sent) + (select count(*) from marked) as number),
             told as (select json_array_length(:accepted) + json_array_length(:marks) as number)
        select 1 / (case when found.number = told.number then 1 else 0 end) from found, told
    """


@cache
def steps() -> tuple[str, ...]:
    """SQLite does the same by one way into it: a row for a view that is not there to be read.

    To be made on its connection before: the ``temporary`` of ``hot.Kept.transaction``.
    """
    sent, marked, counters, hours = (_PARAMETER.sub(r"new.\1", part) for part in _parts("sqlite"))
    all_of = "select raise(abort, 'not all') where changes() <> json_array_length(new.{})"
    done = (sent, all_of.format("accepted"), marked, all_of.format("marks"), counters, hours)
    columns = "null as accepted, null as marks, null as moves, null as now, null as hour_at"
    body = "; ".join(done)
    return (
        f"create temp view if not exists usual as select {columns}",
        f"create temp trigger if not exists usual_store instead of insert on usual begin {body}; end",
    )


_PARAMETER = re.compile(r":(\w+)")
