"""Images in a body: pasted, dropped, chosen or used again. Each is asked what it shows before it goes in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import background_tasks, events, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import answer, confirm, delete_when_hidden, dialog_title
from campaign_ui.parts.blocks import empty_state
from campaign_ui.parts.body_box import CHOOSE
from campaign_ui.parts.notices import notify_error
from campaign_ui.parts.weight import weight
from core import db
from core.content import blocks, images, picture
from core.errors import NotFound
from core.models import Image

_REFUSED = {
    "file": "Only images can be put into a mail. Put other files on a web server and link to them.",
    "heavy": picture.TOO_LARGE,
    "large": "This text is too long for one mail. Paste a part of it.",
}
_FULL, _HALF, _SMALL = 520, 260, 120  # pixels of the 600 of a mail
_WIDTHS = {_FULL: "Full width", _HALF: "Half", _SMALL: "Small"}
_ACCEPT = 'type=file multiple accept="image/png,image/jpeg,image/gif,image/webp"'


@dataclass(frozen=True)
class _Wanted:
    alt: str
    caption: str
    width: int


class BodyImages:
    """``put`` gets the rich text of a block; ``paste`` the HTML that was pasted, not sanitised yet."""

    def __init__(self, user_id: int, put: Callable[[str], Any], paste: Callable[[str], Any]) -> None:
        self.user_id, self.put, self.paste = user_id, put, paste
        self.place = ui.element("div").classes("hidden")
        self._waiting: list[int] = []
        self._asking = False
        self._busy: ui.notification | None = None

    def told(self, event: events.GenericEventArguments) -> None:
        """What the browser says while it takes in what was pasted, dropped or chosen."""
        said: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        self.say(said)
        if isinstance(said.get("id"), int):
            self._waiting.append(said["id"])
        if said.get("end"):
            if isinstance(said.get("html"), str):
                self.paste(said["html"])
            background_tasks.create(self._ask_for_each(), name="ask about images")

    def say(self, said: dict[str, Any]) -> None:
        """That it takes a moment, and what was refused."""
        if said.get("begin"):
            self._busy = ui.notification("Storing the image …", spinner=True, timeout=None, position="bottom")
        if said.get("error") or said.get("refused"):
            notify_error(str(said.get("error") or _REFUSED.get(str(said["refused"]), _REFUSED["file"])))
        if said.get("end"):
            self.rest()

    def rest(self) -> None:
        if self._busy is not None:
            self._busy.dismiss()
            self._busy = None

    async def _ask_for_each(self) -> None:
        if self._asking:
            return
        self._asking = True
        try:
            while self._waiting and not self.place.is_deleted:
                await self.use(self._waiting.pop(0))
        finally:
            self._asking = False

    async def use(self, image_id: int) -> bool:
        """Ask for words and width, then put the image at the cursor."""
        try:
            image = await off_loop(_get, self.user_id, image_id)
        except NotFound as error:
            notify_error(str(error))
            return False
        with self.place:
            wanted = await _ask(image)
        if wanted is None or self.place.is_deleted:
            return False
        if wanted.alt:
            await off_loop(_keep_alt, self.user_id, image_id, wanted.alt)
        self.put(blocks.image(images.path(image), wanted.alt, wanted.width, wanted.caption))
        return True

    async def open(self) -> None:
        """The library: take in new ones, use or delete those that are there."""
        with self.place:
            chosen = await _Library(self).choose()
        if chosen is not None:
            await self.use(chosen)

    async def pick(self) -> Image | None:
        """One of the library, which its caller puts where it belongs."""
        with self.place:
            chosen = await _Library(self).choose()
        return await off_loop(_get, self.user_id, chosen) if chosen is not None else None


class _Library:
    def __init__(self, owner: BodyImages) -> None:
        self.owner = owner
        self.client = ui.context.client
        with (
            ui.dialog().props("no-refocus") as self.dialog,
            ui.card().classes("w-[860px] max-w-full p-6 gap-4 items-stretch"),
        ):
            self.dialog.props["aria-label"] = "Images"
            delete_when_hidden(self.dialog)
            with ui.row().classes("w-full items-center justify-between gap-2"):
                dialog_title("Images")
                self._chooser()
            self.caption = ui.label().classes("text-sm cm-mute -mt-2")
            self.grid = ui.element("div").classes("cm-images")
            with ui.row().classes("w-full justify-end"):
                ui.button("Close", on_click=self.dialog.close).props("flat color=grey-7")
        self.count = 0  # of the files that are being stored

    def _chooser(self) -> None:
        file = ui.element("input").props(_ACCEPT).classes("hidden")
        file.props["aria-label"] = "Image files"
        file.on("change", self._told, js_handler=CHOOSE)
        button = ui.button("Add images", icon="add_photo_alternate")
        button.on("click", js_handler=f"() => getHtmlElement({file.id}).click()")

    async def _told(self, event: events.GenericEventArguments) -> None:
        """One that was added is put into the mail at once; of several the user chooses."""
        said = event.args if isinstance(event.args, dict) else {}
        self.count = int(said.get("begin") or self.count)
        if self.count == 1 and isinstance(said.get("id"), int):
            self.dialog.submit(said["id"])
            return
        self.owner.say(said)
        if said.get("end"):
            await self.show()

    async def choose(self) -> int | None:
        self.dialog.open()
        await self.show()
        chosen = await self.dialog
        self.owner.rest()
        return int(chosen) if chosen else None

    async def show(self) -> None:
        found = await off_loop(_list, self.owner.user_id)
        if self.grid.is_deleted:
            return
        total = sum(image.size for image in found)
        count = "1 image" if len(found) == 1 else f"{len(found):,} images"
        self.caption.set_text(f"{count}, {weight(total)}. Choose one to put it into the mail.")
        self.caption.set_visibility(bool(found))
        self.grid.clear()
        with self.grid:
            for image in found:
                self._image(image)
            if not found:
                text = "Add one here, or paste or drop it into the mail. It is made smaller and loses its hidden data."
                with ui.element("div").classes("col-span-full"):
                    empty_state("image", "No images yet", text)

    def _image(self, image: Image) -> None:
        with ui.element("figure").classes("cm-image"):
            with ui.element("button").props("type=button").on("click", lambda: self.dialog.submit(image.id)) as button:
                button.props["aria-label"] = f"Use {image.name or 'image'}"
                small = ui.element("img").props("loading=lazy")
                small.props["src"], small.props["alt"] = images.path(image), ""
            with ui.element("figcaption"):
                with ui.element("div").classes("min-w-0 grow"):
                    ui.label(image.name or "Pasted").classes("truncate text-[13px] font-medium")
                    ui.label(f"{image.width:,} × {image.height:,}, {weight(image.size)}").classes("text-xs cm-mute")
                remove = ui.button(icon="delete_outline", on_click=partial(self._delete, image))
                remove.props("flat round dense color=grey-7").props["aria-label"] = f"Delete {image.name or 'image'}"

    async def _delete(self, image: Image) -> None:
        uses = await off_loop(_uses, self.owner.user_id, image)
        with self.owner.place:
            if await confirm("Delete this image?", _what_shows_it(uses), "Delete"):
                await act(images.delete, self.owner.user_id, image.id, done="Deleted.")
        await self.show()


def _what_shows_it(uses: images.Uses) -> str:
    if not uses.campaigns and not uses.templates:
        return "No campaign and no template shows it."
    found = [*uses.campaigns, *(f"template {name}" for name in uses.templates)]
    names = ", ".join(found[:5]) + (f" and {len(found) - 5:,} more" if len(found) > 5 else "")
    return f"It is shown in {names}. There a gap takes its place, also in mails that were sent already."


async def _ask(image: Image) -> _Wanted | None:
    """What it shows, for those who do not see it; None where it was closed."""
    with ui.dialog().props("no-refocus") as dialog, ui.card().classes("w-[520px] max-w-full p-6 gap-3 items-stretch"):
        dialog.props["aria-label"] = "Insert image"
        dialog_title("Insert image")
        shown = ui.element("img").classes("cm-picture")
        shown.props["src"], shown.props["alt"] = images.path(image), ""
        alt = ui.input("Alternative text", value=image.alt).props(f"autofocus maxlength={images.ALT_LENGTH}")
        alt.props('hint="What somebody should know who cannot see it"')
        bare = ui.checkbox("Only decoration, nothing to say").classes("-ml-2")
        caption = ui.input("Caption (optional)").props("maxlength=300")
        fitting = {width: words for width, words in _WIDTHS.items() if width < image.width}
        own = {image.width: "As it is"} if image.width <= _FULL else {}
        width = ui.toggle({**own, **fitting}, value=next(iter({**own, **fitting}))).classes("cm-switch self-start")
        width.props('aria-label="Width in the mail"')

        def submit() -> None:
            if not (alt.value or "").strip() and not bare.value:
                alt.props('error error-message="Say what it shows, or mark it as decoration."')
                alt.run_method("focus")
                return
            words = "" if bare.value else " ".join(alt.value.split())
            dialog.submit(_Wanted(words, " ".join((caption.value or "").split()), int(width.value or image.width)))

        alt.on("keydown.enter", submit)
        alt.on_value_change(lambda: alt.props(remove="error"))
        with ui.row().classes("w-full justify-end gap-2 mt-1"):
            ui.button("Cancel", on_click=dialog.close).props("flat color=grey-7")
            ui.button("Insert", on_click=submit)
    wanted = await answer(dialog)
    return wanted if isinstance(wanted, _Wanted) else None


def _get(user_id: int, image_id: int) -> Image:
    with db.reading() as session:
        return images.get(session, user_id, image_id)


def _list(user_id: int) -> list[Image]:
    with db.reading() as session:
        return images.list_all(session, user_id)


def _uses(user_id: int, image: Image) -> images.Uses:
    with db.reading() as session:
        return images.uses(session, user_id, image.id or 0)


def _keep_alt(user_id: int, image_id: int, alt: str) -> None:
    with db.session() as session:
        images.set_alt(session, user_id, image_id, alt)
