"""Rows for tests, as short as they can be said."""

from sqlmodel import Session

from core import db
from core.models import Campaign, CampaignStatus, Message, MessageState, Sender, User


def user(session: Session, email: str = "anna@example.com") -> int:
    made = User(email=email, password_hash="x", created_at=db.now(session))
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def sender(session: Session, user_id: int, **changes: object) -> int:
    values = {"name": "Main", "host": "127.0.0.1", "port": 25, "from_name": "Anna", "from_address": "anna@example.com"}
    made = Sender(**{**values, "user_id": user_id, "created_at": db.now(session), **changes})
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def campaign(session: Session, user_id: int, sender_id: int, **changes: object) -> int:
    now = db.now(session)
    values = {"name": "News", "subject": "Hello", "body": "<p>Hello</p>", "created_at": now, "updated_at": now}
    made = Campaign(**{**values, "user_id": user_id, "sender_id": sender_id, **changes})
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def sent_campaign(session: Session, user_id: int, states: list[MessageState]) -> tuple[int, list[int]]:
    """A campaign with one message per state (``r0@example.com`` …) and counters that add up: (its id, their ids)."""
    sender_id = sender(session, user_id)
    counters = {f"{state}_count": states.count(state) for state in set(states)}
    campaign_id = campaign(
        session,
        user_id,
        sender_id,
        status=CampaignStatus.sent,
        snapshot_done=True,
        recipients_count=len(states),
        **counters,
    )
    now, ids = db.now(session), []
    for number, state in enumerate(states):
        row = Message(
            campaign_id=campaign_id,
            sender_id=sender_id,
            email=f"r{number}@example.com",
            domain="example.com",
            state=state,
            retry_at=now,
            sent_at=now if state == MessageState.sent else None,
        )
        session.add(row)
        session.flush()
        ids.append(row.id)
    return campaign_id, ids
