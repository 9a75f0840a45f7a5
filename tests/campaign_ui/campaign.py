"""A campaign with mails in each state, and what its page shows of them."""

from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from core import db
from core.models import Message
from tests import rows

STATES = {
    "sent": [f"person{number:02d}@example.com" for number in range(30)],
    "failed": ["carl@example.net"],
    "pending": ["dan@example.com"],
    "unknown": ["gus@example.com"],
}


def make(user_id: int, **values: object) -> int:
    with db.session() as session:
        sender = rows.sender(session, user_id)
        campaign_id = rows.campaign(session, user_id, STATES, opened=3, sender_id=sender.id, **values)
        failed = session.exec(select(Message).where(col(Message.state) == "failed")).one()
        failed.kind, failed.reply, failed.attempts = "bad_recipient", "550 5.1.1 User unknown", 1
    return campaign_id


def tables(browser: Browser) -> list[ui.table]:
    assert browser.client is not None
    return [e for e in browser.client.elements.values() if isinstance(e, ui.table)]


def addresses(browser: Browser) -> list[str]:
    [table] = tables(browser)
    return [row["email"] for row in table.rows]
