"""Rows as the engine would leave them, for tests of what is shown."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from core import db
from core.delivery import workers
from core.models import Campaign, CampaignStatus, Message, MessageState, Sender, User


def user(session: Session, email: str = "alice@example.com", **values: Any) -> int:
    made = User(**{"email": email, "password_hash": "none", "created_at": db.now(session)} | values)
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def sender(session: Session, user_id: int, **values: Any) -> Sender:
    defaults = {"user_id": user_id, "name": "Hostinger", "from_address": "news@example.com", "test_problem": ""}
    made = Sender(**defaults | {"created_at": db.now(session)} | values)
    session.add(made)
    session.flush()
    return made


def campaign(
    session: Session, user_id: int, states: dict[str, list[str]] | None = None, opened: int = 0, **values: Any
) -> int:
    """A campaign with a message for each address in ``states`` (state -> addresses) and counters to match."""
    now = db.now(session)
    states = states or {}
    counters = {f"{state}_count": len(addresses) for state, addresses in states.items()}
    defaults = {
        "user_id": user_id,
        "name": "November newsletter",
        "subject": "News",
        "status": CampaignStatus.sending,
        "snapshot_done": True,
        "created_at": now,
        "updated_at": now,
        "recipients_count": sum(counters.values()),
        "opened_count": opened,
    }
    workers.tell(session, "host:1", workers.Figures())
    made = Campaign(**defaults | counters | values)
    session.add(made)
    session.flush()
    assert made.id is not None
    for state, addresses in states.items():
        for address in addresses:
            message(session, made, address, state, now)
    return made.id


def sent_campaign(session: Session, user_id: int, states: list[MessageState]) -> tuple[int, list[int]]:
    """A sent campaign of "Anna" with one message per state (``r0@example.com`` …): (its id, their ids)."""
    by = sender(session, user_id, from_name="Anna")
    counters = {f"{state}_count": states.count(state) for state in set(states)}
    values = {"status": CampaignStatus.sent, "recipients_count": len(states)} | counters
    campaign_id = campaign(session, user_id, sender_id=by.id, **values)
    made, now = session.get_one(Campaign, campaign_id), db.now(session)
    ids = [message(session, made, f"r{number}@example.com", state, now) for number, state in enumerate(states)]
    return campaign_id, ids


def message(session: Session, campaign: Campaign, email: str, state: str, now: datetime, **values: Any) -> int:
    defaults = {
        "campaign_id": campaign.id,
        "sender_id": campaign.sender_id or 0,
        "email": email,
        "domain": email.partition("@")[2],
        "state": state,
        "retry_at": now,
        "sent_at": now if state == MessageState.sent else None,
    }
    made = Message(**defaults | values)
    session.add(made)
    session.flush()
    assert made.id is not None
    return made.id


def many(session: Session, campaign_id: int, count: int, state: str = "sent") -> None:
    """``count`` messages person0000000@mail<0-99>.example, quickly; counters too."""
    now = db.now(session)
    table = Message.__table__  # type: ignore[attr-defined]
    rows = [
        {
            "campaign_id": campaign_id,
            "sender_id": 0,
            "email": f"person{number:07d}@mail{number % 100}.example",
            "domain": f"mail{number % 100}.example",
            "fields": {},
            "state": state,
            "attempts": 0,
            "retry_at": now,
            "phase": "",
            "reply": "",
            "kind": "",
            "rule_id": "",
        }
        for number in range(count)
    ]
    session.connection().execute(table.insert(), rows)
    made = session.get_one(Campaign, campaign_id)
    made.recipients_count += count
    setattr(made, f"{state}_count", getattr(made, f"{state}_count") + count)
    session.flush()
