"""What adding an upload will do, said before and on the button that does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

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


def outcome(parsed: ParsedUpload, known: Known, target: Target) -> Outcome:
    """As ``contacts.store`` will do it and tell it."""
    in_list = known.in_lists.get(target.list_id or 0, 0)
    added = parsed.valid_count - in_list
    changed = _changed(parsed, known, target)
    words = [f"{in_list:,} {'is' if in_list == 1 else 'are'} in the list already."] if in_list else []
    if known.people:
        words.append(_say_known(known.people, changed, target.keep_known))
    if not added and in_list and changed == 0:
        return Outcome(f"Nothing new: {in_list:,} {'is' if in_list == 1 else 'are'} in the list already", "", False)
    if not added and in_list:
        return Outcome(f"Update {_people(changed or in_list)}", " ".join(words), True)
    return Outcome(f"Add {_people(added)}", " ".join(words), added > 0)


class UploadOutcome:
    """The sentence and the button; ``show`` after ``target`` changed."""

    def __init__(
        self, parsed: ParsedUpload, known: Known, target: Target, on_add: Callable[[], Any], on_back: Callable[[], Any]
    ) -> None:
        self.about = (parsed, known, target)
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


def _say_known(people: int, changed: int | None, keep: bool) -> str:
    if keep:
        return f"{_people(people)} you have {'stays as it is' if people == 1 else 'stay as they are'}."
    if changed is None:
        return f"{_people(people)} you have {'gets' if people == 1 else 'get'} these values."
    return f"Of {_people(people)} you have, {changed:,} {'gets' if changed == 1 else 'get'} new values."


def _people(count: int) -> str:
    return f"{count:,} contact{'s' * (count != 1)}"
