"""Senders and their form, for the tests of their page."""

from dataclasses import replace
from typing import Any

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser

from core import db
from core.delivery import senders
from core.models import Sender

GOOD = senders.Values(
    name="News", host="smtp.hostinger.com", username="anna", password="canary-pw", from_address="anna@example.com"
)


def field(browser: Browser, label: str, kind: type[Any] = ui.input) -> Any:
    with browser:
        found = [each for each in ElementFilter(kind=kind) if each.props.get("label") == label]
    return found[-1]


def type_in(browser: Browser, **values: Any) -> None:
    """``From_name="Anna"``: an underscore stands for a space."""
    numbers = {"Port", "Mails per minute", "Mails per hour", "Mails per day", "Connections", "Batch size", "Delay"}
    for name, value in values.items():
        label = name.replace("_", " ")
        kind = ui.select if label in ("Security", "Provider") else ui.number if label in numbers else ui.input
        with browser:
            field(browser, label, kind).value = value


def stored(user_id: int, **changes: Any) -> int:
    with db.session() as session:
        sender_id = senders.create(session, user_id, replace(GOOD, **changes)).id
    assert sender_id is not None
    return sender_id


def kept(user_id: int) -> list[Sender]:
    with db.reading() as session:
        return senders.list_all(session, user_id)
