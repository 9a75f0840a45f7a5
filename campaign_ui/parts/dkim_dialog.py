"""Sign with DKIM: the records of one domain to copy into DNS, whether they are there, and the switches."""

import json
from collections.abc import Callable

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act, long_work
from campaign_ui.parts.ask import confirm, delete_when_hidden, dialog_title
from campaign_ui.parts.notices import notice, notify_done
from core import db
from core.audience import addresses
from core.delivery import dkim_keys, dkim_record
from core.delivery.dkim_keys import Domain, Key
from core.delivery.dkim_record import Finding

_ALGORITHMS = {
    "rsa": ("RSA", "Read by every receiver. Add this one first."),
    "ed25519": ("Ed25519", "Newer and shorter, read by some receivers. Add it as well, if you like."),
}
_TONES = {"right": ("sent", "check_circle"), "missing": ("pending", "schedule"), "differs": ("failed", "error")}
# Without HTTPS browsers offer no clipboard; then the old way.
_COPY = """async () => {
  const text = %s;
  try { await navigator.clipboard.writeText(text); } catch (error) {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("[role=dialog]") || document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  emit();
}"""


class DkimDialog:
    """Of one domain. It reads again what it shows after everything that is done in it."""

    def __init__(self, user_id: int, domain: str) -> None:
        self.user_id, self.domain = user_id, domain
        self.shown = addresses.shown_domain(domain)  # for words; records and their names need the other
        self.findings: dict[int, Finding] = {}
        with ui.dialog() as self.dialog, ui.card().classes("w-[720px] max-w-full p-0 gap-0 items-stretch flex-nowrap"):
            self.dialog.props["aria-label"] = f"Sign with DKIM: {self.shown}"
            delete_when_hidden(self.dialog)
            with ui.row().classes("w-full items-start justify-between flex-nowrap px-6 pt-5 pb-2"):
                with ui.column().classes("gap-0 min-w-0"):
                    dialog_title("Sign with DKIM")
                    ui.label(self.shown).classes("text-sm cm-mute break-all")
                close = ui.button(icon="close", on_click=self.dialog.close).props("flat round dense color=grey-7")
                close.props["aria-label"] = "Close"
            self.body = ui.column().classes("w-full px-6 pb-6 gap-4 overflow-y-auto items-stretch flex-nowrap min-h-0")

    async def open(self) -> None:
        await self._reload()
        self.dialog.open()

    async def _reload(self) -> None:
        found = await off_loop(_load, self.user_id, self.domain)
        if self.dialog.is_deleted:
            return
        self.body.clear()
        with self.body:
            if found is None or not found.keys:
                self._offer(found)
            else:
                self._show(found)

    def _offer(self, found: Domain | None) -> None:
        words = (
            f"A signature lets receivers check that a mail is really from {self.shown}. Many mail providers sign for "
            "you already: ask yours. If it does not, make keys here, add their records to your DNS and switch them on."
        )
        ui.label(words).classes("text-sm")
        if found is not None:
            ui.button("Make keys", icon="key", on_click=lambda event: self._make(event.sender)).classes("self-start")

    def _show(self, found: Domain) -> None:
        words = (
            f"Add these records to the DNS of {self.shown}, each as a record of type TXT, then switch the key on. "
            f"Where your provider adds the domain by itself, leave “.{self.domain}” away from the name."
        )
        ui.label(words).classes("text-sm")
        for key in found.keys:
            self._key(key)
        with ui.row().classes("w-full items-center gap-2"):
            ui.button("Delete keys", icon="delete", on_click=self._remove).props("flat color=negative")
            if found.senders:
                button = ui.button("Replace keys", icon="autorenew", on_click=lambda event: self._replace(event.sender))
                button.props("flat")

    def _key(self, key: Key) -> None:
        name, words = _ALGORITHMS[key.algorithm]
        with ui.element("section").classes("flex flex-col gap-3 rounded-xl p-4 w-full") as block:
            block.style("border:1px solid var(--cm-line)").props["aria-label"] = f"{name} key"
            with ui.row().classes("w-full items-center justify-between flex-nowrap gap-3"):
                with ui.column().classes("gap-0 min-w-0"):
                    ui.label(name).classes("font-semibold")
                    ui.label(words).classes("text-xs cm-mute")
                switch = ui.switch("Sign", value=key.is_active, on_change=lambda event: self._switch(key, event.value))
                switch.props["aria-label"] = f"Sign with the {name} key"
            self._copied("Name", key.name, name)
            self._copied("Value", key.value, name)
            if len(key.strings) > 1:
                with ui.row().classes("w-full items-center gap-1 -mt-1"):
                    ui.label("For a zone file, in strings of 255 characters:").classes("text-xs cm-mute")
                    self._copy("Copy strings", key.quoted, f"Copy strings of the {name} record")
            with ui.row().classes("w-full items-center gap-2"):
                button = ui.button(
                    "Check", icon="travel_explore", on_click=lambda event: self._check(key, event.sender)
                )
                button.props("outline dense").props["aria-label"] = f"Check the {name} record"
            if (finding := self.findings.get(key.id)) is not None:
                notice(finding.sentence, *_TONES.get(finding.state, ("quiet", "help")))

    def _copied(self, label: str, text: str, name: str) -> None:
        with ui.column().classes("w-full gap-1"):
            with ui.row().classes("w-full items-center justify-between"):
                ui.label(label).classes("text-xs font-semibold cm-mute")
                self._copy("Copy", text, f"Copy the {label.lower()} of the {name} record")
            ui.label(text).classes("cm-words w-full px-3 py-2 rounded-lg").style("background:var(--cm-sunken)")

    def _copy(self, text: str, what: str, name: str) -> None:
        button = ui.button(text, icon="content_copy").props("flat dense size=sm")
        button.props["aria-label"] = name
        button.on("click", lambda: notify_done("Copied."), js_handler=_COPY % json.dumps(what))

    async def _make(self, button: ui.button) -> None:
        await self._keep(button, False, "Keys made. Add their records to your DNS.")

    async def _replace(self, button: ui.button) -> None:
        text = "Mails go out without a signature until the new records are in your DNS and you switch the keys on."
        if await confirm("Replace the keys?", text, "Replace"):
            await self._keep(button, True, "New keys made. Add their records to your DNS, and take the old ones away.")

    async def _keep(self, button: ui.button, replace: bool, done: str) -> None:
        button.props("loading")
        pairs = await long_work(dkim_keys.new_pairs)
        await act(dkim_keys.keep, self.user_id, self.domain, pairs, replace, done=done)
        await self._reload()

    async def _remove(self) -> None:
        text = f"Mails from {self.shown} go out without a signature. Then take the records away from your DNS."
        if await confirm("Delete the keys?", text, "Delete"):
            await act(dkim_keys.remove, self.user_id, self.domain, done="Deleted.")
            await self._reload()

    async def _switch(self, key: Key, on: bool) -> None:
        done = "Mails are signed with this key from now on." if on else "Mails are not signed with this key any more."
        if await act(dkim_keys.switch, self.user_id, key.id, on, done=done) and on:
            self.findings[key.id] = await long_work(dkim_record.look, key)
        await self._reload()

    async def _check(self, key: Key, button: ui.button) -> None:
        button.props("loading")
        self.findings[key.id] = await long_work(dkim_record.look, key)
        await self._reload()


def dkim_rows(domains: list[Domain], open_dialog: Callable[[Domain], object]) -> None:
    """One line per domain: whether its mails are signed, and a button that opens its dialog."""
    for domain in domains:
        shown = addresses.shown_domain(domain.name)
        with ui.row().classes("cm-line w-full items-center justify-between sm:flex-nowrap gap-x-3 gap-y-1 py-2.5"):
            with ui.column().classes("gap-0 min-w-0"):
                ui.label(shown).classes("text-sm font-medium break-all")
                used = ", ".join(domain.senders) or "No sender is from this domain any more"
                ui.label(used).classes("text-xs cm-mute truncate max-w-full")
            with ui.row().classes("items-center gap-2 shrink-0 flex-nowrap"):
                word, tone = _state(domain)
                ui.label(word).classes(f"cm-badge is-{tone}")
                verb = "Open" if domain.keys else "Set up"
                button = ui.button(verb, on_click=lambda each=domain: open_dialog(each)).props("flat dense")
                button.props["aria-label"] = f"{verb} DKIM of {shown}"


def _state(domain: Domain) -> tuple[str, str]:
    if domain.is_signed:
        return "Signed", "sent"
    return ("Switched off", "pending") if domain.keys else ("Not signed here", "quiet")


def _load(user_id: int, domain: str) -> Domain | None:
    with db.reading() as session:
        return next((each for each in dkim_keys.domains(session, user_id) if each.name == domain), None)
