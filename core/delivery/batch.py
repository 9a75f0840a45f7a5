"""A batch: due messages claimed together, fairly shared between the campaigns of a sender."""

import json
from datetime import datetime
from functools import cache, partial
from operator import itemgetter

from sqlmodel import Session

from core import db, hot, live
from core.delivery import holds, left_out
from core.delivery.holds import Openings
from core.delivery.ledger import NOT_SUPPRESSED, Claimed
from core.delivery.tally import Tally, Touched
from core.hot import Hot


def claim(
    session: Session, sender_id: int, epoch: int, size: int, openings: Openings | None = None
) -> list[Claimed] | None:
    """Take up to ``size`` due messages of the sender's sending campaigns, shared fairly between these.

    ``openings``: which campaigns, and how many of each at most; None: what ``holds`` says. On the way suppressed
    addresses become ``suppressed``, those at a domain that is left out ``failed``. Returns None where this epoch owns
    the sender no more, an empty list where nothing is due.
    """
    on, now = hot.within(session), db.now(session)
    if not on.count(_OWNED, sender_id=sender_id, epoch=epoch):
        return None
    openings = openings or holds.look(session, sender_id, now)
    failed = 0
    while failed < db.chunk_rows(session) and (due := _due(on, openings.rooms, now, size)):
        tally = Tally()
        due -= _suppress_due(on, due, tally)
        if openings.leaves_out:
            due -= (left := left_out.fail(session, due, tally))
            failed += len(left)
        claimed = _claim(on, sender_id, epoch, due, tally)
        if failed:
            _hint(session, tally.store(session, now))
        else:
            tally.store_on(on, now)
        if claimed:
            return claimed
    return []


# Not a SELECT: on PostgreSQL its row is locked by that.
_OWNED = "update sender set epoch = epoch where id = :sender_id and epoch = :epoch"


def _due(on: Hot, rooms: dict[int, int | None], now: datetime, size: int) -> set[int]:
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
            got = _due_of(on, campaign_id, now, want, after[campaign_id])
            after[campaign_id] |= got
            found |= got
            if len(got) == want:
                hungry.append(campaign_id)
        waiting = hungry
    return found


def _due_of(on: Hot, campaign_id: int, now: datetime, want: int, taken: set[int]) -> set[int]:
    values = {"campaign_id": campaign_id, "now": now, "want": want, "taken": json.dumps(sorted(taken))}
    ((found,),) = on.rows(_due_statement(on.dialect), **values)
    return {message_id for (message_id,) in json.loads(found or "[]")}


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


def _suppress_due(on: Hot, due: set[int], tally: Tally) -> set[int]:
    """The due messages whose address was suppressed meanwhile are done with; returns their ids."""
    done = on.rows(_suppress_statement(on.dialect), ids=json.dumps(sorted(due)))
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


def _claim(on: Hot, sender_id: int, epoch: int, due: set[int], tally: Tally) -> list[Claimed]:
    if not due:
        return []
    values = {"ids": json.dumps(sorted(due)), "epoch": epoch, "sender_id": sender_id}
    on.run(_claim_statement(on.dialect), **values)
    ((found,),) = on.rows(_claimed_statement(on.dialect), **values)
    rows = sorted(json.loads(found or "[]"), key=itemgetter(0))
    owners = _users_of(on, {row[1] for row in rows})
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


def _users_of(on: Hot, campaign_ids: set[int]) -> dict[int, int]:
    found = on.rows(_users_statement(on.dialect), ids=json.dumps(sorted(campaign_ids)))
    return {campaign_id: user_id for campaign_id, user_id in found}


@cache
def _users_statement(dialect: str) -> str:
    return f"select id, user_id from campaign where id in {db.each_in(dialect, 'ids')}"


def _hint(session: Session, touched: Touched) -> None:
    for user_id, campaign_id in touched:
        db.after_commit(session, partial(live.publish, user_id, "campaign", campaign_id))
