"""The form of one sender: what is typed stays typed until it is saved."""

from dataclasses import replace

from nicegui import run, ui

from campaign_ui.parts.acts import long_work
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.sender_fields import SenderFields
from core import db
from core.delivery import senders
from core.delivery.probe import ProbeResult, probe
from core.errors import RuleError
from core.models import Sender


class SenderForm:
    """A dialog for a new sender (``kept`` None) or one that there is."""

    def __init__(self, user_id: int, zone: str, kept: Sender | None) -> None:
        self.user_id, self.zone, self.kept = user_id, zone, kept
        with ui.dialog().props("persistent") as self.dialog:
            self.dialog.on("hide", self.dialog.delete)
            with ui.card().classes("w-[780px] max-w-full p-0 gap-0 items-stretch flex-nowrap"):
                self._build()

    def open(self) -> None:
        self.dialog.open()

    def _build(self) -> None:
        title = "Edit sender" if self.kept else "Add sender"
        self.dialog.props["aria-label"] = title
        with ui.row().classes("w-full items-center justify-between flex-nowrap px-6 pt-5 pb-3"):
            ui.label(title).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")
            close = ui.button(icon="close", on_click=self.dialog.close).props("flat round dense color=grey-7")
            close.props["aria-label"] = "Close"
        with (
            ui.column()
            .classes("w-full px-6 pb-2 gap-5 overflow-y-auto items-stretch flex-nowrap min-h-0")
            .style("max-height:min(64vh,720px)")
        ):
            self.fields = SenderFields(self.kept, self.zone)
        # Outside of what scrolls: the result is seen wherever the form stands.
        self.result = ui.column().classes("w-full gap-0 px-6 overflow-y-auto shrink-0").style("max-height:34vh")
        self.result.props("role=status")
        with (
            ui.row()
            .classes("w-full items-center gap-2 px-6 py-4 shrink-0")
            .style("border-top:1px solid var(--cm-line)")
        ):
            if not (self.kept and self.kept.is_sandbox):
                self.test = ui.button("Test connection", icon="cable", on_click=self._test).props("outline")
            ui.space()
            self.save = ui.button("Save", on_click=self._save)

    async def _save(self) -> None:
        values = self.fields.values()
        self.save.props("loading")
        try:
            await run.io_bound(_keep, self.user_id, self.kept.id if self.kept else None, values)
        except senders.Invalid as error:
            self.fields.show_problems(error.problems)
            notify_error("Not saved yet: look at the fields marked in red.")
            return
        except RuleError as error:
            notify_error(str(error))
            return
        finally:
            self.save.props(remove="loading")
        notify_done("Saved.")
        self.dialog.close()

    async def _test(self) -> None:
        values = self.fields.values()
        wrong = {name: text for name, text in senders.problems(values).items() if name in ("host", "port", "security")}
        self.fields.show_problems(wrong)
        if wrong:
            self.result.clear()  # it was about other values
            return
        self._show_progress(values.host)
        self.test.props("loading")
        try:
            result = await long_work(_probe, self.user_id, self.kept.id if self.kept else None, values)
        finally:
            self.test.props(remove="loading")
        self._show_result(result)

    def _show_progress(self, host: str) -> None:
        self.result.clear()
        with self.result, ui.row().classes("cm-notice is-quiet w-full my-3 flex-nowrap items-center"):
            ui.spinner(size="20px")
            ui.label(f"Connecting to {host}…").classes("font-medium")

    def _show_result(self, result: ProbeResult) -> None:
        self.result.clear()
        with self.result, ui.row().classes(f"cm-notice is-{'sent' if result.ok else 'failed'} w-full my-3 flex-nowrap"):
            ui.icon("check_circle" if result.ok else "error")
            with ui.column().classes("gap-1.5 min-w-0 grow"):
                ui.label(result.sentence).classes("font-medium")
                if result.reply:
                    ui.label("The server’s own words").classes("text-xs opacity-90")
                    ui.label(result.reply).classes("cm-words")
                if result.steps:
                    ui.label(" · ".join(result.steps)).classes("text-xs opacity-90")


def _keep(user_id: int, sender_id: int | None, values: senders.Values) -> None:
    with db.session() as session:
        if sender_id is None:
            senders.create(session, user_id, values)
        else:
            senders.save(session, user_id, sender_id, values)


def _probe(user_id: int, sender_id: int | None, values: senders.Values) -> ProbeResult:
    try:
        values = _with_kept_password(user_id, sender_id, values)
    except RuleError as error:
        return ProbeResult(False, str(error))
    assert values.port is not None
    return probe(
        values.host, values.port, values.security, values.username.strip(), values.password or "", values.preset
    )


def _with_kept_password(user_id: int, sender_id: int | None, values: senders.Values) -> senders.Values:
    if sender_id is None or values.password is not None:
        return values
    with db.reading() as session:
        kept = senders.get(session, user_id, sender_id)
        if not senders.may_use_kept_password(kept, values):
            raise RuleError("Enter the password again: it was given for another host or username.")
        return replace(values, password=senders.password(kept))
