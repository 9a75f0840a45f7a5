"""Step Content: what the mail says and from whom, with the mail itself beside it."""

from nicegui import events, ui

from campaign_ui.parts.attachments import Attachments
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_body import Body
from campaign_ui.parts.compose_data import Compose, why_untracked
from campaign_ui.parts.compose_preview import LivePreview
from campaign_ui.parts.field_menu import FieldMenu
from campaign_ui.parts.notices import notice
from core.content import images, languages
from core.delivery import senders

_HIDDEN = (
    "Readers will not see the images of this mail: BASE_URL is not set, so their mail programs cannot fetch them from "
    "this server. Set it to the address at which this server is reached, or take the images out."
)


class ContentStep:
    """Two columns on wide screens, one on phones."""

    def __init__(self, compose: Compose) -> None:
        self.compose, self.draft = compose, compose.draft
        self.inputs: dict[str, ui.input] = {}
        with ui.element("div").classes("grid grid-cols-1 xl:grid-cols-[minmax(0,1fr)_minmax(0,440px)] gap-4 w-full"):
            with ui.column().classes("gap-4 min-w-0 items-stretch"):
                with card():
                    self._head()
                with card():
                    self.body = Body(compose, self._show_values)
                    compose.say_with_undo = self.body.say_with_undo
                    self.attachments = Attachments(compose)
            with ui.column().classes("gap-4 min-w-0 items-stretch xl:sticky xl:top-[88px] self-start w-full"):
                self.preview = LivePreview(compose)
        compose.on_choices(self._show_senders)
        compose.draft.on_change(self._show_why)

    def _head(self) -> None:
        with ui.element("div").classes("grid grid-cols-1 md:grid-cols-2 gap-x-4 gap-y-3 w-full"):
            name = self._input("Name", "name").props('maxlength=200 hint="Only you see it"')
            name.classes("w-full")
            with ui.column().classes("gap-0 w-full items-stretch"):
                self.sender = ui.select({}, label="Sender", on_change=self._choose_sender).classes("w-full")
                self.sender_line = ui.row().classes("text-xs cm-mute px-3 pt-1 gap-2 min-h-[20px] w-full flex-nowrap")
        subject = self._input("Subject", "subject").classes("w-full")
        with subject.add_slot("append"), ui.button(icon="data_object").props("flat round dense color=grey-7") as button:
            button.props["aria-label"] = "Insert a merge field"
            menu = FieldMenu(subject, self.compose.fields, "Insert a merge field")
        self.compose.on_choices(lambda: menu.show(self.compose.fields))
        hint = "The line that mail programs show after the subject"
        with ui.element("div").classes("grid grid-cols-1 md:grid-cols-[minmax(0,1fr)_220px] gap-x-4 gap-y-3 w-full"):
            self._input("Preheader", "preheader").props(f'hint="{hint}"').classes("w-full pb-5")
            self._language()
        self.untracked = ui.column().classes("w-full gap-2")
        self.whys: tuple[str, object] = ("", False)
        self._show_senders()

    def _language(self) -> None:
        options = {code: words.name for code, words in languages.ALL.items()}
        field = ui.select(options, label="Language", value=self.draft.values["language"])
        field.on_value_change(lambda event: self.draft.change(language=event.value))
        field.props('hint="Of its footer and unsubscribe page"').classes("w-full pb-5")

    def _show_values(self) -> None:
        """After a template, a version or an undo: what the fields say now."""
        for name, field in self.inputs.items():
            field.set_value(self.draft.values[name])

    def _input(self, label: str, name: str) -> ui.input:
        def typed(event: events.ValueChangeEventArguments[str | None]) -> None:
            self.draft.change(**{name: event.value or ""})

        self.inputs[name] = ui.input(label, value=self.draft.values[name], on_change=typed)
        return self.inputs[name]

    def _show_senders(self) -> None:
        options = {each.id: each.name for each in self.compose.choices.senders}
        chosen = self.draft.values["sender_id"]
        self.sender.set_options(options, value=chosen if chosen in options else None)
        self._show_sender()

    def _choose_sender(self, event: events.ValueChangeEventArguments[int | None]) -> None:
        if event.value is not None:
            self.draft.change(sender_id=event.value)
            self._show_sender()

    def _show_sender(self) -> None:
        sender = self.compose.sender
        self.sender_line.clear()
        with self.sender_line:
            ui.label(f"From {senders.from_line(sender)}" if sender else "Choose who it comes from.").classes(
                "min-w-0 truncate grow"
            )
            ui.link("Add sender", "/senders").classes("cm-link whitespace-nowrap")
        self._show_why()

    def _show_why(self) -> None:
        """What readers of this sender's mails will not see, and we neither."""
        untracked = why_untracked(self.compose.sender)
        hidden = untracked and images.are_in(self.draft.values["body"])
        if (untracked, hidden) == self.whys:
            return
        self.whys = (untracked, hidden)
        self.untracked.clear()
        with self.untracked:
            if hidden:
                notice(_HIDDEN, "pending", "broken_image")
            if untracked:
                notice(untracked, "info", "visibility_off")
