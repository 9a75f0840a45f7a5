"""The menu of ready blocks: what is chosen goes in at the cursor, in the way of the body's kind."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from nicegui import ui

from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.body_images import BodyImages
from campaign_ui.parts.markup import SIDE_SECTION, Html, icon
from core.content import blocks, foreign, languages, merge

# www.shop.example, bücher.de/größe: https:// is meant.
_BARE = re.compile(r"(?:[^\W_](?:[^\W_]|-){0,62}\.)+[^\W\d_](?:[^\W_]|-){1,62}(?::\d{1,5})?(?:[/?#]\S*)?")


class BlockMenu:
    """A button with the menu; ``put`` gets the rich text of a block, whose words are in ``language``."""

    def __init__(
        self, put: Callable[[str], Any], images: BodyImages, language: Callable[[], str] = lambda: languages.ENGLISH
    ) -> None:
        self.put, self.place, self.language = put, images.place, language
        with (
            ui.button("Block", icon="widgets").props("flat dense").classes("px-2"),
            ui.menu().props("no-refocus").classes("min-w-[200px]"),
        ):
            _item("Button", "smart_button", self._button)
            _item("Image with caption", "image", images.open)
            for words, (symbol, make) in blocks.READY.items():
                _item(words, symbol, partial(self._ready, make))

    def _ready(self, make: Callable[[str], str]) -> None:
        self.put(make(self.language()))

    async def _button(self) -> None:
        with self.place:
            made = await _ask_for_button()
        if made:
            self.put(made)


def _item(words: str, symbol: str, action: Callable[[], Any]) -> None:
    with ui.menu_item(on_click=action):
        Html(icon(symbol, "text-[18px]")).classes(SIDE_SECTION)
        ui.item_section(words)


async def _ask_for_button() -> str:
    with ui.dialog().props("no-refocus") as dialog, ui.card().classes("w-[460px] max-w-full p-6 gap-3 items-stretch"):
        dialog.props["aria-label"] = "Insert button"
        dialog_title("Insert button")
        words = ui.input("Text", value="Read more").props("autofocus maxlength=100")
        address = address_input("")

        def submit() -> None:
            if (href := address_of(address)) is not None:
                dialog.submit(blocks.button((words.value or "").strip() or "Read more", href))

        for each in (words, address):
            each.on("keydown.enter", submit)
        with ui.row().classes("w-full justify-end gap-2 mt-1"):
            ui.button("Cancel", on_click=dialog.close).props("flat color=grey-7")
            ui.button("Insert", on_click=submit)
    return str(await answer(dialog) or "")


def address_input(value: str) -> ui.input:
    """The field for where a link leads; ``address_of`` reads it."""
    address = ui.input("Link", value=value).props('maxlength=2000 placeholder="https://" inputmode=url')
    return address.props('hint="A web address, mailto: or a merge field"')


def address_of(field: ui.input) -> str | None:
    """Where it leads; None where the field now says what is wrong with it."""
    address = (field.value or "").strip()
    if _BARE.fullmatch(merge.hidden(address)[0]):
        address = f"https://{address}"
    if problem := _problem(address):
        field.props["error"], field.props["error-message"] = True, problem
        field.update()
        field.run_method("focus")
        return None
    return address


def _problem(address: str) -> str:
    if address.lower().startswith(("http://", "https://", "mailto:", "tel:")) and len(address) > 8:
        return ""
    is_field = isinstance(next(iter(merge.parse(address)), ""), merge.Field)
    return "" if is_field or foreign.begin(address) else "Write where it leads, as https://example.com/page."
