"""A draft with its audience, for the tests of Preflight and of what stands around it."""

from collections.abc import Callable
from typing import Any

from nicegui import ElementFilter
from nicegui.testing import User as Browser
from sqlmodel import Session

from core import campaigns, db
from core.delivery import senders
from core.models import Campaign, Contact, ContactList, ListMember
from tests.campaign_ui.conftest import eventually, texts


async def soon(condition: Callable[[], object]) -> None:
    await eventually(condition, seconds=20)


async def sees(browser: Browser, text: str) -> None:
    await soon(lambda: text in texts(browser))


def people(session: Session, user_id: int, name: str, fields: list[dict[str, str]]) -> int:
    kept = ContactList(user_id=user_id, name=name, contact_count=len(fields), created_at=db.now(session))
    session.add(kept)
    session.flush()
    for number, values in enumerate(fields):
        contact = Contact(
            user_id=user_id, email=f"{name.lower()}{number}@example.org", fields=values, created_at=db.now(session)
        )
        session.add(contact)
        session.flush()
        session.add(ListMember(list_id=kept.id or 0, contact_id=contact.id or 0))
    session.flush()
    return kept.id or 0


def draft(
    user_id: int,
    body: str,
    fields: list[dict[str, str]],
    sender_id: int | None = None,
    name: str = "Readers",
    **values: Any,
) -> int:
    with db.session() as session:
        if not senders.list_all(session, user_id):
            senders.add_sandbox(session, user_id)
        made = campaigns.create(session, user_id)
        assert made.id is not None
        if sender_id is not None:
            values["sender_id"] = sender_id
        campaigns.save_draft(session, user_id, made.id, 1, **{"subject": "News", "body": body} | values)
        campaigns.set_lists(session, user_id, made.id, [people(session, user_id, name, fields)])
        return made.id


def kept(campaign_id: int) -> Campaign:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id)


def labelled(browser: Browser, kind: type[Any], label: str) -> Any:
    with browser:
        return next(each for each in ElementFilter(kind=kind) if each.props.get("label") == label)
