"""A template being written: its words on the left, the mail on the right."""

import asyncio
from dataclasses import dataclass

from nicegui import background_tasks, events, run, ui

from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.body_box import NAME_IT
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.preview import preview
from core import db
from core.content import html, mail, templates
from core.errors import RuleError
from core.models import BodyKind

SHOW_AFTER = 0.35  # seconds after the last key
_ANNA = mail.Recipient(1, "anna@example.com", {"first_name": "Anna"})
_COLUMNS = "grid grid-cols-1 lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)] gap-4 w-full items-start"
_HINT = (
    'Merge fields: {{ first_name }} or {{ first_name | default: "there" }}. '
    "A link to {{ unsubscribe_url }} lets people leave."
)
_ASK, _LET_GO = "window.onbeforeunload = (event) => event.preventDefault();", "window.onbeforeunload = null;"
_IS_DARK = "document.body.classList.contains('body--dark')"


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

    def __init__(self, user_id: int, words: Words) -> None:
        self.user_id, self.words = user_id, words
        self.kept = words.name if words.id else None
        self.client, self._asks = ui.context.client, False
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
                self.preview = preview(height="640px")
        self._show_state(saved=words.id is not None)
        self.preview.show(_made(self._content()))

    def _fields(self) -> None:
        ui.input("Name", value=self.words.name, on_change=lambda event: self._changed("name", event.value))
        ui.input("Subject", value=self.words.subject, on_change=lambda event: self._changed("subject", event.value))
        preheader = ui.input("Preheader", value=self.words.preheader)
        preheader.on_value_change(lambda event: self._changed("preheader", event.value))
        preheader.props('hint="Shown after the subject in the inbox"').classes("mb-3")
        ui.label("Body").classes("font-semibold text-[13px]")
        self.body = ui.codemirror(self.words.body, language="HTML", line_wrapping=True, indent="  ")
        self.body.classes("body-now cm-code w-full h-[470px]").on_value_change(self._typed)
        ui.label(_HINT).classes("text-xs cm-mute")
        self.to_html.set_visibility(self.words.body_kind == BodyKind.rich)
        ui.context.client.on_connect(self._connected)

    async def _connected(self) -> None:
        ui.run_javascript(NAME_IT)
        self.body.set_theme("vscodeDark" if await ui.run_javascript(_IS_DARK) else "vscodeLight")

    def _typed(self, event: events.ValueChangeEventArguments[str]) -> None:
        self._changed("body", event.value or "")

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
        made = await run.io_bound(_made, self._content())
        if made is not None and not self.state.is_deleted:
            self.preview.show(made)

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
        kind = "Rich text" if self.words.body_kind == BodyKind.rich else "HTML"
        self.state.set_text(f"{kind} · {'Saved' if saved else 'Not saved yet'}")

    def _ask_before_leaving(self, ask: bool) -> None:
        if ask != self._asks and self.client.has_socket_connection:
            self._asks = ask
            self.client.run_javascript(_ASK if ask else _LET_GO)

    def _turn_into_html(self) -> None:
        self.words.body_kind = BodyKind.html
        self.to_html.set_visibility(False)
        self.body.set_value(html.wrap_rich(self.words.body))

    async def save(self) -> None:
        """Keep what is shown; a rich text that the rich editor would change is not kept as one."""
        if self.words.body_kind == BodyKind.rich and not html.survives_editor(self.words.body):
            notify_error("The rich text editor would change this text. Turn it into HTML, then save.")
            return
        words = Words(**vars(self.words))
        try:
            kept = await run.io_bound(_keep, self.user_id, words)
        except templates.NameTaken as error:
            notify_error(f"{error} Give this one another name.")
            return
        except RuleError as error:
            notify_error(str(error))
            return
        if kept is None:
            return
        if self.words.id is None:
            self.words.id = kept
            ui.navigate.history.replace(f"/templates/{kept}")
        saved = vars(words) == {**vars(self.words), "id": words.id}
        self._show_state(saved)
        self._ask_before_leaving(not saved)
        notify_done("Saved.")


def _made(content: mail.Content) -> mail.Preview:
    return mail.preview(content, _ANNA)


def _keep(user_id: int, words: Words) -> int:
    values = {
        "subject": words.subject,
        "preheader": words.preheader,
        "body": words.body,
        "body_kind": words.body_kind,
    }
    with db.session() as session:
        if words.id is not None:
            templates.save(session, user_id, words.id, name=words.name, **values)
            return words.id
        made = templates.save_as(session, user_id, words.name, **values)
        assert made.id is not None
        return made.id
