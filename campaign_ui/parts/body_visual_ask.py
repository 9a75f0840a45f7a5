"""What is asked about a link of a rich text, and about a link or an image of a mail that is edited as it is seen."""

from typing import Any

from nicegui import ui

from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.body_blocks import address_input, address_of
from campaign_ui.parts.body_images import BodyImages
from core.content import images
from core.models import Image

_CARD = "w-[480px] max-w-full p-6 gap-3 items-stretch"


async def ask_link(said: dict[str, Any]) -> dict[str, Any] | None:
    """Its words and address; None where it was closed. ``remove``: the words stay, the link goes."""
    is_button, is_new = bool(said.get("isButton")), bool(said.get("isNew"))
    title = "Insert link" if is_new else "Change button" if is_button and said.get("hasWords") else "Change link"
    with ui.dialog().props("no-refocus") as dialog, ui.card().classes(_CARD):
        dialog.props["aria-label"] = title
        dialog_title(title)
        words = ui.input("Text", value=str(said.get("words") or "")).props("maxlength=300")
        words.set_visibility(bool(said.get("hasWords")))
        address = address_input(str(said.get("href") or ""))
        (words if words.visible and not (is_new and words.value) else address).props("autofocus")

        def submit() -> None:
            if (href := address_of(address)) is not None:
                text = " ".join((words.value or "").split())
                dialog.submit({"words": text or (href if is_new else ""), "href": href})

        for each in (words, address):
            each.on("keydown.enter", submit)
        with ui.row().classes("w-full justify-end gap-2 mt-1"):
            if not is_new and not is_button:
                ui.button("Remove link", on_click=lambda: dialog.submit({"remove": True})).props("flat color=grey-7")
            ui.space()
            ui.button("Cancel", on_click=dialog.close).props("flat color=grey-7")
            ui.button("Insert" if is_new else "Change", on_click=submit)
    given = await answer(dialog)
    return given if isinstance(given, dict) else None


async def ask_image(said: dict[str, Any], library: BodyImages) -> dict[str, Any] | None:
    """Which image, what it shows, and where it leads if it is a link; None where it was closed."""
    href, chosen = said.get("href"), _Chosen(str(said.get("src") or ""))
    with ui.dialog().props("no-refocus") as dialog, ui.card().classes(_CARD):
        dialog.props["aria-label"] = "Change image"
        dialog_title("Change image")
        shown = ui.element("img").classes("cm-picture")
        shown.props["src"], shown.props["alt"] = chosen.src, ""
        alt = ui.input("Alternative text", value=str(said.get("alt") or ""))
        alt.props(f'maxlength={images.ALT_LENGTH} hint="What somebody should know who cannot see it"')
        address = address_input(str(href or ""))
        address.set_visibility(href is not None)

        async def replace() -> None:
            if (image := await library.pick()) is not None:
                chosen.take(image)
                shown.props["src"] = chosen.src
                alt.set_value(alt.value or image.alt)

        def submit() -> None:
            leads = address_of(address) if href is not None else ""
            if leads is not None:
                dialog.submit({**vars(chosen), "alt": " ".join((alt.value or "").split()), "href": leads})

        alt.on("keydown.enter", submit)
        with ui.row().classes("w-full justify-end gap-2 mt-1"):
            ui.button("Choose another", icon="image", on_click=replace).props("outline autofocus")
            ui.space()
            ui.button("Cancel", on_click=dialog.close).props("flat color=grey-7")
            ui.button("Change", on_click=submit)
    given = await answer(dialog)
    return given if isinstance(given, dict) else None


class _Chosen:
    def __init__(self, src: str) -> None:
        self.src, self.width, self.height = src, 0, 0

    def take(self, image: Image) -> None:
        self.src, self.width, self.height = images.path(image), image.width, image.height
