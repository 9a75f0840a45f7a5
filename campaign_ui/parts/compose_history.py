"""Version history of a draft: what it was, when, and the way back, which can itself be undone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import background_tasks, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import empty_state
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.preview import preview
from core import clock, db
from core.campaigns import versions
from core.content import bodies, mail
from core.models import DraftVersion

_ANNA = mail.Recipient(1, "anna@example.com", {"first_name": "Anna"})


@dataclass(frozen=True)
class _Line:
    """One version in the list; ``change`` is against the version before it."""

    row: DraftVersion
    change: str


class History:
    """``on_restore`` shows the draft's values again, after the version's content took their place."""

    def __init__(self, compose: Compose, on_restore: Callable[[str, dict[str, str]], Any]) -> None:
        self.compose, self.draft, self.on_restore = compose, compose.draft, on_restore
        button = ui.button(icon="history", on_click=self.open).props("flat round dense color=grey-7")
        button.props["aria-label"] = "Version history"
        with button:
            ui.tooltip("Version history")

    async def open(self) -> None:
        """Choose a version, look at it, restore it."""
        await self.draft.flush()
        lines = await off_loop(_read, self.draft.user_id, self.draft.id)
        with ui.dialog() as dialog, ui.card().classes("w-[980px] max-w-full p-6 gap-4 items-stretch"):
            dialog.props["aria-label"] = "Version history"
            dialog_title("Version history")
            if lines:
                self._choose(dialog, lines)
            else:
                text = "While you write, what was there is kept every two minutes, and before a template or another "
                empty_state("history", "No earlier versions yet", text + "kind takes its place: the last 30 of them.")
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Close", on_click=dialog.close).props("flat color=grey-7")
                if lines:
                    ui.button("Restore", icon="restore", on_click=lambda: dialog.submit(self.shown))
        chosen = await answer(dialog)
        if isinstance(chosen, DraftVersion):
            await self._restore(chosen)

    def _choose(self, dialog: ui.dialog, lines: list[_Line]) -> None:
        self.shown = lines[0].row
        with ui.element("div").classes("compose-history"):
            with ui.element("div").classes("compose-versions").props("role=listbox aria-label=Versions"):
                options = [self._option(line) for line in lines]
            self.preview = preview(height="420px")

        def choose(at: int) -> None:
            self.shown = lines[at].row
            for number, option in enumerate(options):
                option.props["aria-selected"] = "true" if number == at else "false"
                option.update()
            background_tasks.create(self._show(), name="preview")

        for number, option in enumerate(options):
            option.on("click", lambda number=number: choose(number))
            option.on("keydown.enter.prevent", lambda number=number: choose(number))
            option.on("keydown.space.prevent", lambda number=number: choose(number))
        choose(0)

    def _option(self, line: _Line) -> ui.element:
        zone = self.compose.time_zone
        with ui.element("div").classes("compose-version").props("role=option tabindex=0") as option:
            ui.label(clock.show(line.row.saved_at, zone, seconds=True)).classes(
                "text-[13.5px] font-semibold tabular-nums"
            )
            ui.label(line.row.reason or "While you wrote").classes("text-xs")
            ui.label(line.change).classes("text-xs cm-mute tabular-nums")
        return option

    async def _show(self) -> None:
        row = self.shown
        made = await off_loop(mail.preview, _content(self.compose.content(), row), _ANNA)
        if row is self.shown and not self.preview.frame.is_deleted:
            self.preview.show(made)

    async def _restore(self, row: DraftVersion) -> None:
        moment = clock.show(row.saved_at, self.compose.time_zone, seconds=True)
        before = {name: self.draft.values[name] for name in versions.CONTENT}
        await keep(self.draft.user_id, self.draft.id, f"Before the version of {moment} was restored")
        self.draft.change(**{name: getattr(row, name) for name in versions.CONTENT})
        self.on_restore(f"The version of {moment} is back.", before)


async def keep(user_id: int, campaign_id: int, reason: str) -> None:
    """Keep the draft as it is saved now, before what ``reason`` says."""
    await off_loop(_keep, user_id, campaign_id, reason)


def _content(now: mail.Content, row: DraftVersion) -> mail.Content:
    values = {name: getattr(row, name) for name in versions.CONTENT}
    return mail.Content(**{**vars(now), **values})


def _read(user_id: int, campaign_id: int) -> list[_Line]:
    with db.reading() as session:
        rows = versions.list_all(session, user_id, campaign_id)
    read = [(row, Counter(bodies.read_words(row.body, row.body_kind))) for row in rows]
    older = [*read[1:], None]
    return [_Line(row, _change(row, words, older[at])) for at, (row, words) in enumerate(read)]


def _keep(user_id: int, campaign_id: int, reason: str) -> None:
    with db.session() as session:
        versions.keep(session, user_id, campaign_id, reason)


def _change(row: DraftVersion, words: Counter[str], older: tuple[DraftVersion, Counter[str]] | None) -> str:
    """How many words the mail has, and what is new and gone since the version before."""
    count = words.total()
    said = f"{count:,} word{'s' * (count != 1)}" if count else "No words yet"
    if older is None:
        return said
    before, had = older
    added, gone = (words - had).total(), (had - words).total()
    changes = [f"{added:,} new, {gone:,} gone"] if added or gone else []
    changes += ["another subject"] if row.subject != before.subject else []
    changes += ["another preheader"] if row.preheader != before.preheader else []
    return ", ".join([said, *(changes or ["only the look changed"])])
