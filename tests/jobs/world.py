"""People, senders and campaigns for the tests of delivery, and the invariants that always hold."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select

from core import campaigns, clock, db, live
from core.delivery import senders
from core.models import (
    Campaign,
    CampaignList,
    CampaignStatus,
    Contact,
    ContactList,
    ListMember,
    Message,
    MessageState,
    Sender,
    User,
)
from jobs import runner
from jobs.dispatch import tick
from jobs.engine import Engine
from tests.conftest import Stack
from tests.jobs.receiver import Receiver


def add_user(email: str = "alice@example.com") -> int:
    with db.session() as session:
        user = User(email=email, password_hash="-", created_at=clock.utcnow())
        session.add(user)
        session.flush()
        assert user.id is not None
        return user.id


def add_sender(user_id: int, port: int, **values: Any) -> int:
    """Without limits unless given."""
    free = {
        "per_minute": None,
        "delay_seconds": 0.0,
        "security": "none",
        "connections": 2,
        "from_address": "news@example.com",
        "host": "127.0.0.1",
    }
    with db.session() as session:
        sender = Sender(
            user_id=user_id,
            name=f"Sender {port}",
            port=port,
            created_at=clock.utcnow(),
            **{**free, **values},
        )
        session.add(sender)
        session.flush()
        assert sender.id is not None
        return sender.id


def add_campaign(user_id: int, sender_id: int, emails: list[str], **values: Any) -> int:
    """A campaign that is sending to ``emails``, its recipients not written down yet."""
    now = clock.utcnow() + db.clock_offset
    with db.session() as session:
        number = session.exec(select(func.count()).select_from(ContactList)).one()
        people = ContactList(user_id=user_id, name=f"List {number}", contact_count=len(emails), created_at=now)
        campaign = Campaign(
            **{
                "user_id": user_id,
                "name": f"Campaign {number}",
                "subject": "Hello {{ first_name }}",
                "body": "<p>Hello {{ first_name }}</p>",
                "body_kind": "html",
                "sender_id": sender_id,
                "status": CampaignStatus.sending,
                "started_at": now,
                "created_at": now,
                "updated_at": now,
                **values,
            }
        )
        session.add_all([people, campaign])
        session.flush()
        assert campaign.id is not None and people.id is not None
        session.add(CampaignList(campaign_id=campaign.id, list_id=people.id))
        rows = [
            {"user_id": user_id, "email": email, "fields": {"first_name": email.split("@")[0]}, "created_at": now}
            for email in emails
        ]
        db.insert_ignore(session, Contact.__table__, rows)  # type: ignore[attr-defined]
        ids = session.exec(select(Contact.id).where(col(Contact.user_id) == user_id, col(Contact.email).in_(emails)))
        members = [{"list_id": people.id, "contact_id": contact_id} for contact_id in ids]
        db.insert_ignore(session, ListMember.__table__, members)  # type: ignore[attr-defined]
        return campaign.id


def to_people(receiver: Receiver, emails: list[str], **values: Any) -> tuple[int, int, int]:
    """(user, sender with these values, campaign that sends to ``emails``)."""
    user_id = add_user()
    sender_id = add_sender(user_id, receiver.port, **values)
    return user_id, sender_id, add_campaign(user_id, sender_id, emails)


def people(count: int, domain: str = "example.org") -> list[str]:
    return [f"person{number:04}@{domain}" for number in range(count)]


def campaign(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def sender(sender_id: int) -> Sender:
    with db.reading() as session:
        return session.get_one(Sender, sender_id)


def message(campaign_id: int, email: str) -> Message:
    with db.reading() as session:
        where = (col(Message.campaign_id) == campaign_id, col(Message.email) == email)
        return session.exec(select(Message).where(*where)).one()


def states(campaign_id: int) -> dict[str, int]:
    """State -> number of messages, counted row by row; the counters must say the same at any moment."""
    with db.reading() as session:  # one statement: between two of them a worker may change both
        counting = select(Campaign, Message.state, func.count(Message.id))
        counting = counting.outerjoin(Message, col(Message.campaign_id) == Campaign.id)
        found = session.exec(counting.where(Campaign.id == campaign_id).group_by(Campaign.id, Message.state)).all()
    row = found[0][0]
    counted = Counter({state: count for _, state, count in found if count})
    for state in MessageState:
        assert getattr(row, f"{state}_count") == counted[state], f"{state}: {row}"
    assert row.recipients_count == counted.total()
    return dict(counted)


def sent(*campaign_ids: int) -> bool:
    return all(campaign(campaign_id).status == "sent" for campaign_id in campaign_ids)


def done(campaign_id: int) -> bool:
    """It is sent, and its sender given back."""
    return sent(campaign_id) and sender(campaign(campaign_id).sender_id or 0).owner == ""


def over(sender_id: int, campaign_id: int) -> bool:
    """Nothing goes on: all is sent, or the sender or the campaign waits."""
    row = sender(sender_id)
    waits = row.state != "ready" or campaign(campaign_id).status in ("sent", "paused")
    return waits and row.owner == ""


def by_address(campaign_id: int) -> dict[str, str]:
    """Recipient -> state of its message."""
    with db.reading() as session:
        rows = session.exec(select(Message.email, Message.state).where(col(Message.campaign_id) == campaign_id))
        return {email: state for email, state in rows}


@contextmanager
def engine() -> Iterator[Engine]:
    """A running engine; the tick is the test's."""
    made = Engine()
    made.start()
    try:
        yield made
    finally:
        made.stop()


@contextmanager
def worker() -> Iterator[None]:
    """The whole worker: it hears of what is done on a page as in the product."""
    live.start()
    runner.start_embedded()
    try:
        yield
    finally:
        runner.stop_embedded()
        live.stop()


def dispatch(made: Engine) -> None:
    tick(made.wake)


def until(condition: Callable[[], bool], seconds: float = 60, poke: Callable[[], None] | None = None) -> None:
    """Wait for ``condition``, looked at again whenever something was committed that pages would hear of."""
    changed = threading.Event()
    undo = live.subscribe(lambda hint: changed.set())
    deadline = monotonic() + seconds
    try:
        while not condition():
            if monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s")
            if not changed.wait(0.25) and poke is not None:
                poke()
            changed.clear()
    finally:
        undo()


@contextmanager
def changing(campaign_id: int) -> Iterator[Campaign]:
    """The campaign's row, for a test to change."""
    with db.session() as session:
        yield session.get_one(Campaign, campaign_id)


def save_sender(user_id: int, sender_id: int, **changes: Any) -> None:
    """As its user does, in the form."""
    kept = sender(sender_id)
    names = {field.name for field in fields(senders.Values)} - {"password"}
    with db.session() as session:
        values = {name: getattr(kept, name) for name in names} | changes
        senders.save(session, user_id, sender_id, senders.Values(**values, password=None))


def set_hours(user_id: int, campaign_id: int, **changes: Any) -> None:
    """As its user does, on the campaign's page."""
    with db.session() as session:
        campaigns.set_hours(session, user_id, campaign_id, **{"sending_window": None, "warmup": None} | changes)


SOON = timedelta(seconds=2)


def leave_behind(sender_id: int, cooling_until: datetime | None, lease_until: datetime | None) -> None:
    """The sender as a dead owner left it."""
    with db.session() as session:
        row = session.get_one(Sender, sender_id)
        row.owner, row.epoch, row.lease_until = "dead:1:0", 1, lease_until
        if cooling_until is not None:
            row.state, row.cooling_until, row.cooldown_step = "cooling", cooling_until, 1


def journaled(stack: Stack) -> set[int]:
    """The messages whose results workers of ``stack`` keep in files."""
    files = Path(stack.env["DATA_DIR"]).glob("results-*.journal")
    lines = [line for file in files for line in file.read_bytes().split(b"\0")[0].splitlines()]
    return {json.loads(line)["message"]["id"] for line in lines}
