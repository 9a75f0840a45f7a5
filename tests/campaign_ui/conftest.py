"""People who are signed in: Alice, Bob, and Charlie who must see nothing of theirs."""

import asyncio
from collections.abc import Callable

import pytest
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
            user = User(email=email, password_hash="none", created_at=db.now(session), **changes)
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
