"""The files that the mail carries: attached, looked at and taken out while it is a draft."""

from functools import partial
from typing import Any

from nicegui import events, ui

from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import confirm
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.notices import notify_error
from campaign_ui.parts.weight import weight
from core import clock
from core.campaigns import attachments
from core.content import attached
from core.content.attached import Attachment

_LEAD = "Every recipient gets them. Up to {most} files, together at most {megabytes} MB."
# ``campaign`` is a number of ours.
_CHOOSE = (
    "(event) => {{ cmBody.take([...event.target.files], emit, '/campaigns/{campaign}/attachments', "
    "'the file was not attached'); event.target.value = ''; }}"
)


class Attachments:
    """The lower part of the card with the body."""

    def __init__(self, compose: Compose) -> None:
        self.compose, self.draft = compose, compose.draft
        self._busy: ui.notification | None = None
        self._shown: list[tuple[int, Attachment]] | None = None
        with ui.column().classes("w-full gap-2 items-stretch pt-3 border-t") as self.box:
            self.box.style("border-color:var(--cm-line)")
            with ui.row().classes("w-full items-center justify-between gap-2"):
                ui.label("Attachments").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
                self._chooser()
            self.lead = ui.label(_LEAD.format(most=attached.MOST, megabytes=attached.MOST_BYTES // 1_000_000))
            self.lead.classes("text-xs cm-mute -mt-1")
            self.list = ui.column().classes("w-full gap-1 items-stretch").props("role=list")
            self.list.props["aria-label"] = "Attachments"
        compose.on_choices(self.show)
        self.show()

    def _chooser(self) -> None:
        field = ui.element("input").props("type=file multiple").classes("hidden")
        field.props["aria-label"] = "Files to attach"
        field.on("change", self._told, js_handler=_CHOOSE.format(campaign=int(self.draft.id)))
        self.button = ui.button("Attach files", icon="attach_file").props("flat dense").classes("px-2 cm-attach")
        self.button.on("click", js_handler=f"() => getHtmlElement({field.id}).click()")

    async def _told(self, event: events.GenericEventArguments) -> None:
        """What the browser says while the files are on their way."""
        said: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        if said.get("begin"):
            self._busy = ui.notification("Attaching …", spinner=True, timeout=None, position="bottom")
        if said.get("error") or said.get("refused"):
            notify_error(str(said.get("error") or attached.TOO_LARGE))
        if said.get("end"):
            if self._busy is not None:
                self._busy.dismiss()
                self._busy = None
            await self._changed()

    async def _changed(self) -> None:
        self.draft.kept_beside(clock.utcnow())
        await self.compose.reload()

    def show(self) -> None:
        """The files as they are now."""
        files = self.compose.choices.attachments
        if files == self._shown:
            return
        self._shown = files
        self.list.clear()
        self.list.set_visibility(bool(files))
        with self.list:
            for number, file in files:
                self._row(number, file)

    def _row(self, number: int, file: Attachment) -> None:
        with ui.row().classes("w-full items-center gap-2 flex-nowrap").props("role=listitem"):
            ui.icon("description").classes("text-[20px] cm-mute shrink-0")
            link = ui.link(file.name, f"/campaigns/{self.draft.id}/attachments/{number}")
            link.classes("cm-link min-w-0 break-words grow text-sm").props("download")
            ui.label(weight(file.size)).classes("text-xs cm-mute tabular-nums whitespace-nowrap")
            remove = ui.button(icon="close", on_click=partial(self._remove, number, file.name))
            remove.props("flat round dense color=grey-7").props["aria-label"] = f"Remove {file.name}"

    async def _remove(self, number: int, name: str) -> None:
        with self.box:
            if not await confirm("Take this file out of the mail?", f"{name} is not attached then.", "Take out"):
                return
            if await act(attachments.remove, self.draft.user_id, self.draft.id, number):
                await self._changed()
