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

Entry = dict[str, Any]  # what the statement is told of a group: numbers and texts


class NotAll(Exception):
    """Not every message was as its owner believes: nothing of the group is written. Look at each instead."""


def entry(accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Entry:
    """What ``store`` is to be told of these mails that were accepted and of those that may have their dot; empty where
    there are none."""
    claims = {*map(_claim, map(_message, accepted)), *map(_claim, marks)}
    if not claims:
        return {}
    moves = json.dumps(_moves(accepted, marks))
    told = {"sent_count": len(accepted), "marked_count": len(marks), "moves": moves}
    if len(claims) > 1:
        return told | {"accepted": ledger.given_sent(accepted), "marks": ledger.given(marks)}
    # In order of id: the order in which every writer locks messages.
    replies = {outcome.message.id: f"{outcome.code} {outcome.reply}" for outcome in accepted}
    told["accepted"] = json.dumps({id: replies[id] for id in sorted(replies)})
    told["marks"] = json.dumps(sorted(map(_id, marks)))
    [(told["sender_id"], told["held"])] = claims
    return told


def owners(accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Touched:
    """Whom to tell of them."""
    return {*map(_owner, map(_message, accepted)), *map(_owner, marks)}


def store(on: Hot, entry: Entry) -> None:
    """sending -> sent for all that were accepted, claimed -> sending for all marks, counters with them.

    In a transaction with ``steps()``, which may be that of one statement. Raises NotAll.
    """
    now = on.now()
    statement = _statement(on.dialect, "held" in entry)
    try:
        on.run(statement, **entry, now=now, hour_at=now.replace(minute=0, second=0, microsecond=0))
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
            select campaign_id, :hour_at, sent, 0, 0 from {counted} where sent > 0
            on conflict (campaign_id, hour_at) do update set sent_count = activity.sent_count + excluded.sent_count"""


_NAMES = ("sent_count", "marked_count", "accepted", "marks", "moves", "now", "hour_at")
_CLAIM = ("sender_id", "held")


@cache
def _parts(dialect: str, of_one: bool) -> tuple[str, str, str]:
    """SQL of what is done: accepted mails, marks, the counters. ``of_one``: all are under one claim."""
    if of_one:
        claim = "cast(:held as int) as held, cast(:sender_id as int) as sender_id"
        reply = "cast(substr(pair.value, 1, 3) as int) as code, substr(pair.value, 5) as reply"
        pairs, numbers = db.pairs_in(dialect, "accepted"), f"{db.each_in(dialect, 'marks')} as number"
        accepted = f"(select cast(pair.key as bigint) as message_id, {claim}, {reply} from {pairs}) as given"
        marks = f"(select number.value as message_id, {claim} from {numbers}) as given"
    else:
        accepted = db.given_in(dialect, "accepted", **ledger.SENT)
        marks = db.given_in(dialect, "marks", **ledger.CLAIM)
    return (
        ledger.sent_statement(dialect, accepted, "sending"),
        ledger.mark_statement(dialect, marks),
        f"update campaign set {_COUNTERS} from {_moved(dialect)} where campaign.id = given.campaign_id",
    )


def _moved(dialect: str) -> str:
    return db.given_in(dialect, "moves", campaign_id="int", sent="int", marked="int")


@cache
def _statement(dialect: str, of_one: bool) -> str:
    """All of it in one statement, which fails where not every message was as it is told."""
    if dialect == "sqlite":
        names = _names(of_one)
        return f"insert into {_view(of_one)} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"
    sent, marked, counters = _parts(dialect, of_one)
    # What the SELECT does not look at is done after it, the last of it first. As everywhere the messages are locked
    # first, and a campaign before its hour: so the hours ask for the counters.
    return f"""
        with sent as ({sent} returning 1), marked as ({marked} returning 1),
             counted as ({counters} returning given.campaign_id, given.sent),
             hours as ({_HOURS.format(counted="counted")}),
             found as (select (select count(*) from sent) as sent, (select count(*) from marked) as marked)
        select 1 / (case when found.sent = cast(:sent_count as int) and found.marked = cast(:marked_count as int)
                    then 1 else 0 end) from found
    """


def _names(of_one: bool) -> tuple[str, ...]:
    return (*_NAMES, *_CLAIM) if of_one else _NAMES


def _view(of_one: bool) -> str:
    return "usual" if of_one else "usual_of_many"


@cache
def steps() -> tuple[str, ...]:
    """SQLite does the same by one way into it: a row for a view that is not there to be read.

    To be made on its connection before: the ``temporary`` of ``hot.Kept.transaction``.
    """
    return (*_steps(True), *_steps(False))


def _steps(of_one: bool) -> tuple[str, str]:
    parts = (*_parts("sqlite", of_one), _HOURS.format(counted=_moved("sqlite")))
    sent, marked, counters, hours = (_PARAMETER.sub(r"new.\1", part) for part in parts)
    all_of = "select raise(abort, 'not all') where changes() <> new.{}"
    done = (sent, all_of.format("sent_count"), marked, all_of.format("marked_count"), counters, hours)
    view, columns = _view(of_one), ", ".join(f"null as {name}" for name in _names(of_one))
    body = "; ".join(done)
    return (
        f"create temp view if not exists {view} as select {columns}",
        f"create temp trigger if not exists {view}_store instead of insert on {view} begin {body}; end",
    )


_PARAMETER = re.compile(r":(\w+)")
