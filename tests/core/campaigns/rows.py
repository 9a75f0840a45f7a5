"""A draft with nothing missing, and campaigns in any state as the engine would leave them."""

from datetime import UTC, datetime

from sqlmodel import Session, col, select

from core import campaigns, db
from core.models import (
    Campaign,
    CampaignStatus,
    Contact,
    ContactList,
    ListMember,
    Message,
    MessageState,
    Sender,
    User,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def id_of(row: User | Sender | ContactList | Contact | Campaign) -> int:
    assert row.id is not None
    return row.id


def user(session: Session, email: str = "alice@example.com") -> int:
    user = User(email=email, password_hash="x", created_at=NOW)
    session.add(user)
    session.flush()
    known = {"from_address": "news@example.com", "test_problem": ""}
    session.add(Sender(user_id=id_of(user), name="News", created_at=NOW, **known))
    session.flush()
    return id_of(user)


def contact_list(session: Session, user_id: int, *emails: str) -> int:
    kept = ContactList(user_id=user_id, name=f"List of {', '.join(emails)}", created_at=NOW)
    session.add(kept)
    session.flush()
    for email in emails:
        contact = Contact(user_id=user_id, email=email, created_at=NOW)
        session.add(contact)
        session.flush()
        session.add(ListMember(list_id=id_of(kept), contact_id=id_of(contact)))
    session.flush()
    return id_of(kept)


def ready_draft(session: Session, user_id: int) -> int:
    """A draft with nothing missing."""
    campaign = campaigns.create(session, user_id)
    campaigns.save_draft(session, user_id, id_of(campaign), 1, name="News", subject="Hello", body="<p>Hi</p>")
    campaigns.set_lists(session, user_id, id_of(campaign), [contact_list(session, user_id, "anna@example.org")])
    return id_of(campaign)


def read(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def put(campaign_id: int, status: CampaignStatus, **counts: int) -> None:
    """Put a campaign into a state with so many messages in each state, as the engine would have."""
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        campaign.status = status
        campaign.snapshot_done = True
        for state, count in counts.items():
            setattr(campaign, f"{state}_count", count)
            campaign.recipients_count += count
            for n in range(count):
                session.add(
                    Message(
                        campaign_id=campaign_id,
                        sender_id=1,
                        email=f"{state}{n}@example.org",
                        state=state,
                        attempts=3,
                        retry_at=NOW,
                    )
                )


def ledger(campaign_id: int) -> dict[str, int]:
    """The messages by state, after checking that the counters of the campaign say the same."""
    with db.reading() as session:
        campaign = session.get_one(Campaign, campaign_id)
        states = session.exec(select(Message.state).where(col(Message.campaign_id) == campaign_id)).all()
    found = {state.value: states.count(state) for state in MessageState}
    assert found == {state.value: getattr(campaign, f"{state}_count") for state in MessageState}
    assert campaign.recipients_count == sum(found.values())
    return {state: count for state, count in found.items() if count}
