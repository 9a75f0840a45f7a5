"""What a person sees and does on the page Audience."""

from pathlib import Path
from typing import Any

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from core import config, db
from core.audience import book, contacts, parse

CSV = b"Email,First name\nanna@example.com,Anna\nben@example.com,Ben\nanna@example.com,Again\nnobody,Nobody\n"


def shown(browser: Browser, kind: type[ui.element], name: str = "") -> list[Any]:
    """What a person sees of ``kind``: its text, label or accessible name is ``name``."""
    with browser:
        found = [each for each in ElementFilter(kind=kind) if _visible(each)]
    return [each for each in found if not name or name in _names(each)]


def _visible(element: ui.element) -> bool:
    if isinstance(element, ui.dialog) and not element.value:
        return False
    return element.visible and (element.parent_slot is None or _visible(element.parent_slot.parent))


def _names(element: ui.element) -> set[object]:
    return {getattr(element, "text", None), element.props.get("label"), element.props.get("aria-label")}


def press(browser: Browser, name: str, kind: type[ui.element] = ui.button) -> None:
    """The last one of that name: a dialog stands after what it covers."""
    UserInteraction(browser, {shown(browser, kind, name)[-1]}, None).click()


def fill(browser: Browser, label: str, text: str) -> None:
    (field,) = shown(browser, ui.input, label)
    UserInteraction(browser, {field}, None).clear().type(text)


def table_of(browser: Browser, column: str) -> ui.table:
    (found,) = [each for each in shown(browser, ui.table) if column in {c["label"] for c in each.columns}]
    return found


def menu(browser: Browser, name: str, entry: str) -> None:
    (button,) = shown(browser, ui.button, f"Actions for {name}")
    (item,) = [each for each in button.descendants() if isinstance(each, ui.menu_item) and entry in _words(each)]
    UserInteraction(browser, {item}, None).click()


def _words(element: ui.element) -> set[object]:
    return {getattr(each, "text", None) for each in (element, *element.descendants())}


async def upload(browser: Browser, content: bytes, name: str = "members.csv") -> None:
    (uploader,) = shown(browser, ui.upload)
    with browser:
        await uploader.handle_uploads([ui.upload.SmallFileUpload(name, "text/csv", content)])


def stored(user_id: int, text: str = "anna@example.com\nben@example.com", name: str = "members") -> int:
    return contacts.store(user_id, parse.parse_text(text), name).list_id


def people(user_id: int) -> list[str]:
    with db.reading() as session:
        return [each.email for each in book.page(session, user_id).rows]


def left_files() -> list[Path]:
    folder = config.settings.data_dir / "uploads"
    return list(folder.iterdir()) if folder.exists() else []
