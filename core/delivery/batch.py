"""A batch: due messages claimed together, fairly shared between the campaigns of a sender."""

import json
from collections.abc import Iterable
from datetime import datetime
from functools import cache, partial
from operator import itemgetter
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col

from core import db, hot, live
from core.delivery import holds, left_out
from core.delivery.holds import Openings
from core.delivery.ledger import NOT_SUPPRESSED, Claimed
from core.delivery.tally import Tally, Touched
from core.models import Campaign, Sender

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]


def claim(
    session: Session, sender_id: int, epoch: int, size: int, openings: Openings | None = None
) -> list[Claimed] | None:
    """Take up to ``size`` due messages of the sender's sending campaigns, shared fairly between these.

    ``openings``: which campaigns, and how many of each at most; None: what ``holds`` says. On the way suppressed
    addresses become ``suppressed``, those at a domain that is left out ``failed``. Returns None where this epoch owns
    the sender no more, an empty list where nothing is due.
    """
    now = db.now(session)
    owned = update(Sender).where(col(Sender.id) == sender_id, col(Sender.epoch) == epoch).values(epoch=epoch)
    if not session.connection().execute(owned).rowcount:
        return None
    openings = openings or holds.look(session, sender_id, now)
    failed = 0
    while failed < db.chunk_rows(session) and (due := _due(session, openings.rooms, now, size)):
        tally = Tally()
        due -= _suppress_due(session, due, tally)
        if openings.leaves_out:
            due -= (left := left_out.fail(session, due, tally))
            failed += len(left)
        claimed = _claim(session, sender_id, epoch, due, tally)
        touched = tally.store(session, now)
        if failed:
            _hint(session, touched)
        if claimed:
            return claimed
    return []


def _due(session: Session, rooms: dict[int, int | None], now: datetime, size: int) -> set[int]:
    """Due messages: an equal share of each campaign first, then whoever has more. Few batches so far go first."""
    waiting = list(rooms)[:size]
    found: set[int] = set()
    after: dict[int, set[int]] = {campaign_id: set() for campaign_id in waiting}
    while waiting and len(found) < size:
        share = -(-(size - len(found)) // len(waiting))
        hungry = []
        for campaign_id in waiting:
            room = rooms[campaign_id]
            want = min(share, size - len(found), size if room is None else room - len(after[campaign_id]))
            if want <= 0:
                continue
            got = set(_due_of(session, campaign_id, now, want, after[campaign_id]))
            after[campaign_id] |= got
            found |= got
            if len(got) == want:
                hungry.append(campaign_id)
        waiting = hungry
    return found


def _due_of(session: Session, campaign_id: int, now: datetime, want: int, taken: set[int]) -> Iterable[int]:
    on = hot.within(session)
    values = {"campaign_id": campaign_id, "now": now, "want": want, "taken": json.dumps(sorted(taken))}
    ((found,),) = on.rows(_due_statement(on.dialect), **values)
    return [message_id for (message_id,) in json.loads(found or "[]")]


# The states stand in the text, as in the conditions of the partial indexes.
@cache
def _due_statement(dialect: str) -> str:
    return f"""
        select {db.listed_in(dialect, "id")} from (
            select id from message
            where campaign_id = :campaign_id and state = 'pending' and retry_at <= :now
              and id not in {db.each_in(dialect, "taken")}
            order by retry_at, id limit :want {db.skip_locked_in(dialect)}
        ) as due
    """


def _suppress_due(session: Session, ids: set[int], tally: Tally) -> set[int]:
    """The due messages whose address was suppressed meanwhile are done with; returns their ids."""
    on = hot.within(session)
    done = on.rows(_suppress_statement(on.dialect), ids=json.dumps(sorted(ids)))
    for _, campaign_id in done:
        tally.moved(campaign_id, "pending", "suppressed")
    return {message_id for message_id, _ in done}


@cache
def _suppress_statement(dialect: str) -> str:
    return f"""
        update message set state = 'suppressed'
        where id in {db.each_in(dialect, "ids")} and {db.by_key(dialect, "state")} = 'pending' and not {NOT_SUPPRESSED}
        returning id, campaign_id
    """


def _claim(session: Session, sender_id: int, epoch: int, ids: set[int], tally: Tally) -> list[Claimed]:
    if not ids:
        return []
    on, told = hot.within(session), json.dumps(sorted(ids))
    on.run(_claim_statement(on.dialect), ids=told, epoch=epoch, sender_id=sender_id)
    ((found,),) = on.rows(_claimed_statement(on.dialect), ids=told, epoch=epoch, sender_id=sender_id)
    rows = sorted(json.loads(found or "[]"), key=itemgetter(0))
    owners = _users_of(session, {row[1] for row in rows})
    by_campaign: dict[int, list[Claimed]] = {campaign_id: [] for campaign_id in owners}
    for message_id, campaign_id, email, attempts, fields in rows:
        made = Claimed(message_id, campaign_id, owners[campaign_id], email, fields or {}, attempts, sender_id, epoch)
        by_campaign[campaign_id].append(made)
    for campaign_id, messages in by_campaign.items():
        tally.moved(campaign_id, "pending", "claimed", len(messages))
        tally.add(campaign_id, "batch_count")
    return _in_turns(list(by_campaign.values()))


@cache
def _claim_statement(dialect: str) -> str:
    return f"""
        update message set state = 'claimed', epoch = :epoch, sender_id = :sender_id
        where id in {db.each_in(dialect, "ids")} and {db.by_key(dialect, "state")} = 'pending'
    """


@cache
def _claimed_statement(dialect: str) -> str:
    """Those of them that are ours now: none was before, as it was pending."""
    columns = ("id", "campaign_id", "email", "attempts", db.json_in(dialect, "fields"))
    return f"""
        select {db.listed_in(dialect, *columns)} from message
        where id in {db.each_in(dialect, "ids")} and {db.by_key(dialect, "state")} = 'claimed'
          and epoch = :epoch and sender_id = :sender_id
    """


def _in_turns(groups: list[list[Claimed]]) -> list[Claimed]:
    """One of each campaign after the other, so that a small one does not wait behind a large one."""
    if len(groups) == 1:
        return groups[0]
    places = [(place / len(group), message) for group in groups for place, message in enumerate(group)]
    return [message for _, message in sorted(places, key=lambda pair: (pair[0], pair[1].id))]


def _users_of(session: Session, campaign_ids: set[int]) -> dict[int, int]:
    wanted = select(_campaign.c.id, _campaign.c.user_id).where(_campaign.c.id.in_(sorted(campaign_ids)))
    return {campaign_id: user_id for campaign_id, user_id in session.connection().execute(wanted)}


def _hint(session: Session, touched: Touched) -> None:
    for user_id, campaign_id in touched:
        db.after_commit(session, partial(live.publish, user_id, "campaign", campaign_id))
