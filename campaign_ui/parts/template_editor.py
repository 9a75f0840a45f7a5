"""A template being written: its words on the left, the mail on the right."""

import asyncio
from dataclasses import dataclass, replace

from nicegui import background_tasks, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts import body_box
from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.body_blocks import BlockMenu
from campaign_ui.parts.body_editor import BodyEditor
from campaign_ui.parts.body_images import BodyImages
from campaign_ui.parts.field_menu import FieldMenu, Fields
from campaign_ui.parts.leaving import ask_in_browser
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.preview import preview
from campaign_ui.parts.undo import notify_undo
from core import db
from core.campaigns import Finding
from core.campaigns.preflight import brought
from core.content import bodies, foreign, html, mail, templates
from core.errors import RuleError
from core.models import BodyKind

SHOW_AFTER = 0.35  # seconds after the last key
_ANNA = mail.Recipient(1, "anna@example.com", {"first_name": "Anna"})
_COLUMNS = "grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,440px)] gap-4 w-full items-start"
_HINT = "Put in an unsubscribe link, under Merge field, so that people can leave."


@dataclass
class Words:
    """What is edited. ``id`` None: not stored yet."""

    id: int | None
    name: str
    subject: str
    preheader: str
    body: str
    body_kind: str


class TemplateEditor:
    """Shows ``words`` at once; they are kept when the user saves."""

    def __init__(self, user_id: int, words: Words, fields: list[str]) -> None:
        self.user_id, self.words, self.fields = user_id, words, fields
        self.kept = words.name if words.id else None
        self.client, self._asks = ui.context.client, False
        body_box.add_script()
        self._timer: asyncio.TimerHandle | None = None
        with ui.row().classes("w-full items-center justify-between gap-3"):
            self.state = ui.label().classes("text-sm cm-mute").props("role=status")
            with ui.row().classes("items-center gap-2"):
                link_button("Back", "/templates", look="flat")
                self.to_html = ui.button("Turn into HTML", on_click=self._turn_into_html).props("outline")
                ui.button("Save", icon="check", on_click=self.save)
        with ui.element("div").classes(_COLUMNS):
            with card():
                self._fields()
            with card():
                self.preview = preview("640px")
        self._show_state(saved=words.id is not None)
        self.brought: list[Finding] = []
        self._say(*_made(self._content(), fields))

    def _fields(self) -> None:
        ui.input("Name", value=self.words.name, on_change=lambda event: self._changed("name", event.value))
        self.subject = ui.input("Subject", value=self.words.subject)
        self.subject.on_value_change(lambda event: self._changed("subject", event.value))
        self.preheader = ui.input("Preheader", value=self.words.preheader)
        self.preheader.on_value_change(lambda event: self._changed("preheader", event.value))
        self.preheader.props('hint="Shown after the subject in the inbox"').classes("mb-3")
        with ui.row().classes("w-full items-center gap-1 compose-tools"):
            ui.label("Body").classes("font-semibold text-[13px] mr-2")
            self.tools = ui.row().classes("items-center gap-1")
            self.images = BodyImages(
                self.user_id, lambda block: self.body.put(block), lambda text: self.body.paste(text)
            )
            ui.button("Image", icon="image", on_click=self.images.open).props("flat dense").classes("px-2")
            BlockMenu(lambda block: self.body.put(block), self.images)
            ui.space()
            self.body = BodyEditor(self.images, self._typed, self._built)
        self.to_html.set_visibility(self.words.body_kind == BodyKind.rich)
        self.tags = ui.column().classes("w-full gap-2")
        self.body.build()
        self.body.show(self.words.body_kind, self.words.body)
        ui.label(_HINT).classes("text-xs cm-mute")

    def _built(self, element: ui.element) -> None:
        self.tools.clear()
        with self.tools, ui.button("Merge field", icon="data_object").props("flat dense").classes("px-2"):
            FieldMenu(element, Fields(self.fields), put_link=self.body.put_link)

    def _typed(self, body: str) -> None:
        self._changed("body", body)

    def _changed(self, name: str, value: str) -> None:
        if getattr(self.words, name) == value:
            return
        setattr(self.words, name, value)
        self._show_state(saved=False)
        self._ask_before_leaving(True)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(SHOW_AFTER, self._show_soon)

    def _show_soon(self) -> None:
        background_tasks.create(self._show(), name="show template")

    async def _show(self) -> None:
        made = await off_loop(_made, self._content(), self.fields)
        if not self.state.is_deleted:
            self._say(*made)

    def _say(self, made: mail.Preview, found: list[Finding]) -> None:
        self.preview.show(made)
        if found == self.brought:
            return
        self.brought = found
        self.tags.clear()
        if found:
            with self.tags, notice("", "pending", "warning"):
                for each in found:
                    ui.label(each.text).classes("font-medium")
                if any(each.is_foreign for each in found):
                    ui.button("Translate", on_click=self._translate).props("outline dense")

    async def _translate(self) -> None:
        before = self._content()
        after = await off_loop(foreign.translated, before, self.fields)
        if before != self._content():
            return  # typed on while that was awaited

        async def undo() -> None:
            now = self._content()
            if now not in (after, replace(after, body=html.for_editor(after.body))):
                notify_error("It was changed since: nothing is taken back.")
            elif not self.state.is_deleted:
                self._put(before)

        self._put(after)
        notify_undo("The merge tags are merge fields now.", undo)

    def _put(self, made: mail.Content) -> None:
        """Show other words in the fields that are there."""
        self.subject.set_value(made.subject)
        self.preheader.set_value(made.preheader)
        self.body.show(made.body_kind, made.body)
        self._changed("body", made.body)

    def _content(self) -> mail.Content:
        words = self.words
        return mail.Content(
            words.subject,
            words.preheader,
            words.body,
            words.body_kind,
            "",
            "sender@example.com",
            "",
            "",
            0,
            self.user_id,
        )

    def _show_state(self, saved: bool) -> None:
        kind = bodies.NAMES[BodyKind(self.words.body_kind)]
        self.state.set_text(f"{kind} · {'Saved' if saved else 'Not saved yet'}")

    def _ask_before_leaving(self, ask: bool) -> None:
        if ask != self._asks:
            self._asks = ask
            ask_in_browser(self.client, ask)

    def _turn_into_html(self) -> None:
        became = bodies.whole(self.words.body, BodyKind.rich)
        self.words.body_kind = BodyKind.html
        self.to_html.set_visibility(False)
        self.body.show(BodyKind.html, became)
        self._changed("body", became)

    async def save(self) -> None:
        """Keep what is shown."""
        words = Words(**vars(self.words))
        try:
            kept = await off_loop(_keep, self.user_id, words)
        except templates.NameTaken as error:
            notify_error(f"{error} Give this one another name.")
            return
        except RuleError as error:
            notify_error(str(error))
            return
        if self.words.id is None:
            self.words.id = kept
            ui.navigate.history.replace(f"/templates/{kept}")
        saved = vars(words) == {**vars(self.words), "id": words.id}
        self._show_state(saved)
        self._ask_before_leaving(not saved)
        notify_done("Saved.")


def _made(content: mail.Content, fields: list[str]) -> tuple[mail.Preview, list[Finding]]:
    """The mail, and what is said of the merge tags in it."""
    return mail.preview(content, _ANNA), brought.findings(content, fields)


def _keep(user_id: int, words: Words) -> int:
    values = {name: getattr(words, name) for name in ("subject", "preheader", "body", "body_kind")}
    with db.session() as session:
        if words.id is not None:
            templates.save(session, user_id, words.id, name=words.name, **values)
            return words.id
        made = templates.save_as(session, user_id, words.name, **values)
        assert made.id is not None
        return made.id
