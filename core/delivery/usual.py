"""The rule, thousands of times a second: mails were accepted, others may have their dot, and all is as believed.

What ``ledger.settle``, ``ledger.mark`` and ``Tally.store`` do for any group, in few steps: several times as quick.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from core import db
from core.delivery import ledger
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Tally, Touched
from core.hot import Hot, StatementFailed


class NotAll(Exception):
    """Not every message was as its owner believes: nothing of the group is written. Look at each instead."""


def store(on: Hot, accepted: Sequence[Outcome], marks: Sequence[Claimed]) -> Touched:
    """sending -> sent for all of ``accepted``, claimed -> sending for all of ``marks``, counters with them.

    Returns whom to tell after the commit. Raises NotAll.
    """
    (_store_at_once if on.is_one_statement else _store_in_steps)(on, accepted, marks, on.now())
    messages = [*[outcome.message for outcome in accepted], *marks]
    return {(message.user_id, message.campaign_id) for message in messages}


def look(on: Hot, messages: Sequence[Claimed]) -> None:
    """Whether all of these claimed ones may still be sent. Raises NotAll where one may not."""
    values = {"given": ledger.given(messages), "now": on.now()}
    if messages and on.rows(_wanted_statement(on.dialect), **values)[0][0] != len(messages):
        raise NotAll


@cache
def _wanted_statement(dialect: str) -> str:
    return f"""
        select count(*) from {db.given_in(dialect, message_id="bigint", held="int")}
        join message on message.id = given.message_id and message.epoch = given.held and message.state = 'claimed'
        join campaign on campaign.id = message.campaign_id and campaign.status = 'sending'
                     and (campaign.hold_until is null or campaign.hold_until <= :now)
        where not exists (select 1 from suppression where suppression.user_id = campaign.user_id
                                                      and suppression.email = message.email)
    """


def _store_in_steps(on: Hot, accepted: Sequence[Outcome], marks: Sequence[Claimed], now: datetime) -> None:
    tally = Tally()
    if accepted:
        statement = ledger.sent_statement(on.dialect, "given", "sending")
        if on.count(statement, given=ledger.given_sent(accepted), now=now) != len(accepted):
            raise NotAll
    if marks and on.count(ledger.mark_statement(on.dialect, "given"), given=ledger.given(marks)) != len(marks):
        raise NotAll
    for campaign_id, count in Counter(outcome.message.campaign_id for outcome in accepted).items():
        tally.moved(campaign_id, "sending", "sent", count)
    for campaign_id, count in Counter(message.campaign_id for message in marks).items():
        tally.moved(campaign_id, "claimed", "sending", count)
    tally.store_on(on, now)


def _store_at_once(on: Hot, accepted: Sequence[Outcome], marks: Sequence[Claimed], now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    values = {"accepted": ledger.given_sent(accepted), "marks": ledger.given(marks), "now": now, "hour_at": hour}
    try:
        on.rows(_all_in_one(), **values, expected=len(accepted) + len(marks))
    except StatementFailed:
        raise NotAll from None


@cache
def _all_in_one() -> str:
    """For PostgreSQL, where each statement costs a way to the server: it divides by zero where not all is as told."""
    return f"""
        with sent as ({ledger.sent_statement("postgresql", "accepted", "sending")} returning campaign_id),
        marked as ({ledger.mark_statement("postgresql", "marks")} returning campaign_id),
        moved as (
            select campaign_id, cast(sum(sent) as int) as sent, cast(sum(marked) as int) as marked
            from (select campaign_id, 1 as sent, 0 as marked from sent
                  union all select campaign_id, 0, 1 from marked) as moves
            group by campaign_id order by campaign_id
        ),
        counted as (
            update campaign set claimed_count = claimed_count - moved.marked,
                                sending_count = sending_count + moved.marked - moved.sent,
                                sent_count = sent_count + moved.sent
            from moved where campaign.id = moved.campaign_id
        ),
        hours as (
            insert into activity (campaign_id, hour_at, sent_count, failed_count, opened_count)
            select campaign_id, :hour_at, sent, 0, 0 from moved where sent > 0 order by campaign_id
            on conflict (campaign_id, hour_at) do update set sent_count = activity.sent_count + excluded.sent_count
        )
        select 1 / (case when coalesce(sum(sent + marked), 0) = :expected then 1 else 0 end) from moved
    """
