"""What adding an upload will do, said before and on the button that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from campaign_ui.parts.upload_read import Part, Read
from campaign_ui.parts.upload_target import Target
from core.audience import columns
from core.audience.known import Known
from core.audience.parse import ParsedUpload


@dataclass(frozen=True)
class Outcome:
    """``press`` is on the button, which is ``possible`` or not."""

    press: str
    sentence: str
    possible: bool


def outcome(read: Read, target: Target) -> Outcome:
    """As it will be stored and told."""
    added, gone = read.parts(target.suppress_left)
    adding = _adding(added.parsed, added.known, target)
    return adding if gone is None else _suppressing(gone, adding, bool(added.parsed.valid_count))


def _suppressing(gone: Part, adding: Outcome, any_other: bool) -> Outcome:
    """Beside what is ``adding``."""
    held = gone.suppressed_count
    new = gone.parsed.valid_count - held
    other = adding.sentence if adding.possible or not any_other else f"{adding.press}."
    also = f"{held:,} {'is' if held == 1 else 'are'} suppressed already."
    sentence = " ".join(words for words in (other, also if held else "") if words)
    if adding.possible:
        return Outcome(f"{adding.press}, suppress {new:,}" if new else adding.press, sentence, True)
    if new:
        return Outcome(f"Suppress {new:,} {'person' if new == 1 else 'people'}", sentence, True)
    return Outcome(adding.press if any_other else f"Nothing new: {also[:-1]}", "", False)


def _adding(parsed: ParsedUpload, known: Known, target: Target) -> Outcome:
    in_list = known.in_lists.get(target.list_id or 0, 0)
    added = parsed.valid_count - in_list
    changed = _changed(parsed, known, target)
    words = [f"{in_list:,} {'is' if in_list == 1 else 'are'} in the list already."] if in_list else []
    if known.people:
        words.append(_say_known(known.people, changed, target.keep_known))
    if not added and in_list and changed == 0:
        return Outcome(f"Nothing new: {in_list:,} {'is' if in_list == 1 else 'are'} in the list already", "", False)
    if not added and in_list:
        return Outcome(f"Update {people(changed or in_list)}", " ".join(words), True)
    return Outcome(f"Add {people(added)}", " ".join(words), added > 0)


class UploadOutcome:
    """The sentence and the button; ``show`` after ``target`` changed."""

    def __init__(self, read: Read, target: Target, on_add: Callable[[], Any], on_back: Callable[[], Any]) -> None:
        self.about = (read, target)
        with ui.row().classes("cm-foot justify-end items-center gap-2"):
            self.sentence = ui.label().classes("text-[13px] cm-mute grow basis-[260px]").props("role=status")
            ui.button("Start over", on_click=on_back).props("flat color=grey-7")
            self.add = ui.button(on_click=on_add)
        self.show()

    def show(self) -> None:
        told = outcome(*self.about)
        self.sentence.set_text(told.sentence)
        self.add.set_text(told.press)
        self.add.set_enabled(told.possible)


def _changed(parsed: ParsedUpload, known: Known, target: Target) -> int | None:
    """How many who are contacts get other values; None where that was not counted: their columns have other names."""
    named = columns.planned(parsed.columns, target.fields)
    if target.keep_known or not any(column.field for column, _ in named):
        return 0
    return known.changed if named == columns.planned(parsed.columns, {}) else None


def _say_known(count: int, changed: int | None, keep: bool) -> str:
    if keep:
        return f"{people(count)} you have {'stays as it is' if count == 1 else 'stay as they are'}."
    if changed is None:
        return f"{people(count)} you have {'gets' if count == 1 else 'get'} these values."
    if not changed:
        return f"{people(count)} you have already, with the same values."
    return f"Of {people(count)} you have, {changed:,} {'gets' if changed == 1 else 'get'} new values."


def people(count: int) -> str:
    return f"{count:,} contact{'s' * (count != 1)}"
