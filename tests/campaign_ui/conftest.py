"""People who are signed in: Alice, Bob, and Charlie who must see nothing of theirs."""

import asyncio
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from nicegui import background_tasks, run, ui
from nicegui.testing import User as Browser
from sqlmodel import col, select

from campaign_ui import auth
from campaign_ui.parts.markup import Html
from core import accounts, db
from core.models import User
from tests.conftest import Stack

SignIn = Callable[..., int]

# What runs for Compose; asks that wait for an answer end with their dialog.
_OURS = {"save draft", "check draft", "preview", "survey", "sample", "foresee", "ask DNS"}
_OURS |= {"ask about images", "ask about the mail"}

# Tenths of a second until a page that was told something must show it: what is there is seen at once, and three are few
# on a busy machine.
for looks in (Browser.should_see, Browser.should_not_see):
    looks.__kwdefaults__["retries"] = 50


class _Pool(ThreadPoolExecutor):
    """What a page still reads when its test ends it reads to the end: not from the next test's database."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(True, cancel_futures=cancel_futures)


run.ThreadPoolExecutor, run.thread_pool = _Pool, _Pool()  # type: ignore[misc]


@pytest.fixture(autouse=True)
def _shows_and_hides_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a browser does: it says when a dialog is about to be shown, and when one that was closed is hidden."""
    change = ui.dialog._handle_value_change

    def changed(dialog: ui.dialog, value: Any) -> None:
        change(dialog, value)
        asyncio.get_running_loop().call_soon(_say, dialog, "beforeShow" if value else "hide")

    monkeypatch.setattr(ui.dialog, "_handle_value_change", changed)


def _say(dialog: ui.dialog, what: str) -> None:
    for listener in list(dialog._event_listeners.values()):
        if listener.type == what and not dialog.is_deleted:
            dialog._handle_event({"listener_id": listener.id, "args": {}})


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


async def let_rest(browser: Browser) -> None:
    """A page that still sends updates when NiceGUI ends holds it up for seconds (a race in its outbox)."""
    for client in browser.client.instances.values() if browser.client else ():
        for dialog in [each for each in client.elements.values() if isinstance(each, ui.dialog)]:
            dialog.close()
    await eventually(lambda: not any(task.get_name() in _OURS for task in background_tasks.running_tasks))
    await asyncio.sleep(0.05)


def card_texts(browser: Browser, label: str) -> list[str]:
    """What the group named ``label`` says: the label, its number, its percentage."""
    assert browser.client is not None
    elements = browser.client.elements.values()
    [group] = [e for e in elements if e.props.get("role") == "group" and e.props.get("aria-label") == label]
    return [word for element in group.descendants() for word in _words(element)]


def _words(element: ui.element) -> list[str]:
    if isinstance(element, Html):
        return [word for word in re.split(r"<i .*?</i>|<[^>]+>", element.content) if word.strip()]
    return [element.text] if isinstance(element, ui.label | ui.item_section) else []


def press(browser: Browser, name: str) -> None:
    """Click the visible button (or menu item) with exactly this accessible name; that of a dialog is the last."""
    assert browser.client is not None
    button = [e for e in browser.client.elements.values() if e.visible and _is_button(e) and _name(e) == name][-1]
    for listener in list(button._event_listeners.values()):
        if listener.type == "click":
            button._handle_event({"listener_id": listener.id, "args": {}})


def _is_button(element: ui.element) -> bool:
    return isinstance(element, ui.button | ui.menu_item) or element.tag == "button"


def _name(element: ui.element) -> str:
    words = [word for each in (element, *element.descendants()) for word in _words(each)]
    return str(element.props.get("aria-label") or getattr(element, "text", "") or next(filter(None, words), ""))


async def undo(browser: Browser, sentence: str) -> None:
    """Press Undo on the toast that says ``sentence``, once it is there: the page may show earlier what was done."""
    await eventually(lambda: browser.notify.contains(sentence))
    assert browser.client is not None
    layout = browser.client.layout
    number = max(browser.client.kept_for_undo)  # type: ignore[attr-defined]
    for listener in list(layout._event_listeners.values()):
        if "cm_undo" in listener.type:
            layout._handle_event({"listener_id": listener.id, "args": number})


def texts(browser: Browser) -> str:
    """Every visible text of the page, for what must not be there."""
    assert browser.client is not None
    elements = browser.client.elements.values()
    return "\n".join(str(getattr(e, name, "")) for e in elements if e.visible for name in ("text", "content", "rows"))


def everything(browser: Browser) -> str:
    """What is seen, and what charts say to those who do not see them."""
    assert browser.client is not None
    shown = [e for e in browser.client.elements.values() if all(box.visible for box in (e, *e.ancestors()))]
    return "\n".join(str(words) for e in shown for words in (getattr(e, "text", ""), e.props.get("aria-label", "")))


class Held:
    """The first call of ``module.name`` waits until ``go_on`` is set; ``begun`` says that it came."""

    def __init__(self, patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        real = getattr(module, name)

        def held(*args: Any, **values: Any) -> Any:
            if not self.begun.is_set():
                self.begun.set()
                self.go_on.wait(10)
            return real(*args, **values)

        patch.setattr(module, name, held)
