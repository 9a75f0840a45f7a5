"""The fields of a sender's bounce mailbox, guessed from where it sends."""

from typing import Any

from nicegui import ui

from core.delivery import bounce_mailbox
from core.delivery.bounce_mailbox import Values
from core.models import BounceMailbox, Security

_SECURITIES = {Security.tls.value: "TLS", Security.starttls.value: "STARTTLS", Security.none.value: "None"}
_GRID = "grid grid-cols-1 sm:grid-cols-6 gap-x-4 gap-y-3 w-full"
_LEAD = "New mails are looked at every 5 minutes. Nothing is deleted or marked as read, and nothing else is kept."
_NO_MAILBOX = (
    "This provider only sends. Bounces arrive where mail to your From address is received: enter that mailbox."
)
_MICROSOFT = "Microsoft 365 lets no program read a mailbox with a password. Use a mailbox at another provider."


class BounceFields:
    """Shows ``kept``, or nothing switched on; ``values`` is what is typed now, None where it is off.

    ``smtp_host``: where the sender sends from, for the guess.
    """

    def __init__(self, kept: BounceMailbox | None, smtp_host: str) -> None:
        self.kept, self._smtp_host = kept, smtp_host
        self.inputs: dict[str, Any] = {}
        self._guessed: Values
        with ui.column().classes("w-full gap-3 items-stretch sm:col-span-6"):
            self.on = ui.switch("Read bounces from a mailbox", value=kept is not None).classes("-ml-2")
            self._place = ui.element("div").classes(_GRID).bind_visibility_from(self.on, "value")
        self.on.on_value_change(self._begin)
        self._begin()

    @property
    def values(self) -> Values | None:
        """An empty password of a kept mailbox means the one there is."""
        if not self.on.value:
            return None
        typed = {name.removeprefix("mailbox_"): field.value for name, field in self.inputs.items()}
        port = None if typed["port"] is None else round(typed["port"])
        texts = {name: typed[name] or "" for name in ("host", "security", "username", "folder")}
        password = typed["password"] or (None if self.kept and self.kept.password_sealed else "")
        return Values(**texts, port=port, same_sign_in=bool(typed["same_sign_in"]), password=password)

    def follow(self, smtp_host: str) -> None:
        """Another host sends: guess again, unless the user typed something else."""
        self._smtp_host = smtp_host
        if not self.inputs:
            return
        guess = bounce_mailbox.guess(smtp_host)
        if self.kept is None and self.inputs["mailbox_host"].value in ("", self._guessed.host):
            self.inputs["mailbox_host"].value = guess.host
            self.inputs["mailbox_same_sign_in"].value = guess.same_sign_in
            self._guessed = guess
        note = (
            _MICROSOFT if guess.host == "outlook.office365.com" else "" if guess.host or not smtp_host else _NO_MAILBOX
        )
        self.note.set_text(note)
        self.note.set_visibility(bool(note))

    def show_problems(self, problems: dict[str, str]) -> None:
        """Sentences at their fields; the others lose theirs."""
        for name, field in self.inputs.items():
            if name != "mailbox_same_sign_in":
                field.error = problems.get(name)

    def _begin(self) -> None:
        """The fields are made when they are wanted; until then no label of theirs is taken for one of the sender's."""
        if self.on.value and not self.inputs:
            self._guessed = _shown(self.kept) if self.kept else bounce_mailbox.guess(self._smtp_host)
            with self._place:
                self._build(self._guessed)
            self.follow(self._smtp_host)

    def _build(self, shown: Values) -> None:
        ui.label(_LEAD).classes("text-xs cm-mute sm:col-span-6")
        self.note = ui.label().classes("text-[13px] sm:col-span-6")
        host = ui.input("Mailbox host", value=shown.host, placeholder="imap.example.com")
        self._add("host", host.props("spellcheck=false"), "sm:col-span-6")
        port = ui.number("Mailbox port", value=shown.port, step=1, format="%d").props("inputmode=numeric")
        self._add("port", port, "sm:col-span-2")
        security = ui.select(_SECURITIES, label="Mailbox security", value=shown.security)
        self._add("security", security, "sm:col-span-2")
        self._add("folder", ui.input("Folder", value=shown.folder).props("spellcheck=false"), "sm:col-span-2")
        same = ui.switch("Same sign-in as for sending", value=shown.same_sign_in)
        self.inputs["mailbox_same_sign_in"] = same.classes("sm:col-span-6 -ml-2")
        with ui.element("div").classes(f"{_GRID} sm:col-span-6").bind_visibility_from(same, "value", lambda on: not on):
            username = ui.input("Mailbox username", value=shown.username).props("autocomplete=off spellcheck=false")
            self._add("username", username, "sm:col-span-3")
            secret = ui.input("Mailbox password", password=True, password_toggle_button=True)
            self._add("password", secret.props("autocomplete=new-password"), "sm:col-span-3")
            if self.kept and self.kept.password_sealed:
                secret.props('placeholder="Kept. Type a new one to replace it" stack-label')

    def _add(self, name: str, field: Any, columns: str) -> None:
        self.inputs["mailbox_" + name] = field.props("hide-bottom-space").classes(f"w-full {columns}")


def _shown(kept: BounceMailbox) -> Values:
    names = ("host", "port", "security", "same_sign_in", "username", "folder")
    return Values(**{name: getattr(kept, name) for name in names})
