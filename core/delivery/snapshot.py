"""Who a campaign goes to, written down when it starts: one message per recipient, in chunks, safe to do twice."""

from typing import Any

from sqlalchemy import Integer, bindparam, select, text, update
from sqlmodel import Session, col

from core import db, live
from core.delivery.tally import Tally
from core.models import Campaign, CampaignList, CampaignStatus, ListMember

LARGE = 5_000  # recipients: when there are so many, and at the end, the database looks at the messages anew

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]


def waiting(session: Session) -> list[int]:
    """The sending campaigns whose recipients are not all written down yet."""
    wanted = select(_campaign.c.id).where(
        _campaign.c.status == CampaignStatus.sending, _campaign.c.snapshot_done.is_(False)
    )
    return list(session.connection().execute(wanted.order_by(_campaign.c.id)).scalars())


def add_chunk(session: Session, campaign_id: int) -> bool:
    """Write down the next recipients, in order of contact id; suppressed addresses go in as such.

    Returns whether there is more. The cursor moves in the same transaction by a conditional UPDATE, so of two
    dispatchers one waits, sees the moved cursor and does nothing.
    """
    campaign = session.connection().execute(select(_campaign).where(_campaign.c.id == campaign_id)).one_or_none()
    if campaign is None or campaign.status != CampaignStatus.sending or campaign.snapshot_done:
        return False
    cursor = campaign.snapshot_contact_id
    contacts, last = _next(session, _list_ids(session, campaign_id), cursor)
    upto = contacts[-1] if contacts else cursor
    moved = (
        update(_campaign)
        .where(
            _campaign.c.id == campaign_id,
            _campaign.c.status == CampaignStatus.sending,
            _campaign.c.snapshot_done.is_(False),
            _campaign.c.snapshot_contact_id == cursor,
        )
        .values(snapshot_contact_id=upto, snapshot_done=last)
    )
    if not session.connection().execute(moved).rowcount:
        return True  # another dispatcher was quicker: look again
    if contacts:
        _insert(session, campaign, contacts)
    db.after_commit(session, lambda: live.publish(campaign.user_id, "campaign", campaign_id))
    before, so_far = campaign.recipients_count, campaign.recipients_count + len(contacts)
    if so_far >= LARGE and (last or before < LARGE):
        db.after_commit(session, lambda: db.analyze("message"))
    return not last


def _list_ids(session: Session, campaign_id: int) -> list[int]:
    wanted = select(col(CampaignList.list_id)).where(
        col(CampaignList.campaign_id) == campaign_id, col(CampaignList.is_left_out).is_(False)
    )
    return sorted(session.connection().execute(wanted).scalars())


def _next(session: Session, lists: list[int], cursor: int) -> tuple[list[int], bool]:
    """The contacts of this chunk, and whether it is the last. One short index range per list."""
    size = db.chunk_rows(session)
    found: set[int] = set()
    for list_id in lists:
        ahead = select(col(ListMember.contact_id)).where(
            col(ListMember.list_id) == list_id, col(ListMember.contact_id) > cursor
        )
        found.update(session.connection().execute(ahead.order_by(col(ListMember.contact_id)).limit(size)).scalars())
    return sorted(found)[:size], len(found) < size


def _insert(session: Session, campaign: Any, contacts: list[int]) -> None:
    # "+ 0", numbers, and no join: without statistics, or with those of before an upload, PostgreSQL would look through
    # all contacts for each one.
    statement = text(f"""
        insert into message (campaign_id, sender_id, contact_id, email, domain, fields, state, attempts, retry_at,
                             phase, reply, kind, rule_id)
        select :campaign_id, :sender_id, contact.id, contact.email, {db.domain_of(session, "contact.email")},
               contact.fields, case when exists (
                   select 1 from suppression where suppression.user_id = :user_id and suppression.email = contact.email
               ) then 'suppressed' else 'pending' end, 0, :now, '', '', '', ''
        from contact
        where contact.user_id + 0 = :user_id and contact.id in :contacts and not exists (
            select 1 from campaign_list as left_out
            join list_member on list_member.list_id = left_out.list_id and list_member.contact_id = contact.id
            where left_out.campaign_id = :campaign_id and left_out.is_left_out)
        order by contact.id
        on conflict do nothing
        returning state
    """).bindparams(
        bindparam("contacts", expanding=True, literal_execute=True, type_=Integer()),
        bindparam("now", type_=db.UtcDateTime()),
    )
    now = db.now(session)
    values = {
        "campaign_id": campaign.id,
        "sender_id": campaign.sender_id,
        "user_id": campaign.user_id,
        "contacts": contacts,
        "now": now,
    }
    tally = Tally()
    for state in session.connection().execute(statement, values).scalars():
        tally.add(campaign.id, f"{state}_count")
        tally.add(campaign.id, "recipients_count")
    tally.store(session, now)
