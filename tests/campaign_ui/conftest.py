"""People who are signed in: Alice, Bob, and Charlie who must see nothing of theirs."""

import asyncio
from collections.abc import Callable

import pytest
from nicegui import ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from campaign_ui import auth
from core import accounts, db
from core.models import User
from tests.conftest import Stack

SignIn = Callable[..., int]


def sign_in_as(browser: Browser, email: str = "alice@example.com", **changes: object) -> int:
    """Sign ``browser`` in to the account of ``email`` (made when missing); returns the user's id."""
    with db.session() as session:
        user = session.exec(select(User).where(col(User.email) == email)).first()
        if user is None:
            values = {"email": email, "password_hash": "none", "created_at": db.now(session)} | changes
            user = User(**values)
            session.add(user)
            session.flush()
        assert user.id is not None
        token = accounts.start_session(session, user.id)
    browser.http_client.cookies.set(auth.COOKIE, token)
    return user.id


@pytest.fixture
def sign_in(sqlite_stack: Stack) -> SignIn:
    """``user_id = sign_in(browser, "alice@example.com")`` on an empty SQLite database."""
    return sign_in_as


async def eventually(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait until the page caught up."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def card_texts(browser: Browser, label: str) -> list[str]:
    """What the group named ``label`` says: the label, its number, its percentage."""
    assert browser.client is not None
    elements = browser.client.elements.values()
    [group] = [e for e in elements if e.props.get("role") == "group" and e.props.get("aria-label") == label]
    return [element.text for element in group.descendants() if isinstance(element, ui.label)]


def press(browser: Browser, name: str) -> None:
    """Click the visible button (or menu item) with exactly this accessible name."""
    assert browser.client is not None
    [button] = [e for e in browser.client.elements.values() if e.visible and _is_button(e) and _name(e) == name]
    for listener in list(button._event_listeners.values()):
        if listener.type == "click":
            button._handle_event({"listener_id": listener.id, "args": {}})


def _is_button(element: ui.element) -> bool:
    return isinstance(element, ui.button | ui.menu_item) or element.tag == "button"


def _name(element: ui.element) -> str:
    words = [getattr(e, "text", "") for e in element.descendants() if isinstance(e, ui.label | ui.item_section)]
    return str(element.props.get("aria-label") or getattr(element, "text", "") or next(filter(None, words), ""))


def texts(browser: Browser) -> str:
    """Every visible text of the page, for what must not be there."""
    assert browser.client is not None
    elements = browser.client.elements.values()
    return "\n".join(str(getattr(e, "text", "")) + str(getattr(e, "rows", "")) for e in elements if e.visible)
