"""Where uploaded people go: a new list or one that there is; and what becomes of those who are contacts already."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

_NEW = 0
_KNOWN = {False: "Update their fields", True: "Keep them as they are"}


@dataclass
class Target:
    """``list_id`` None: a new list called ``name``. ``fields``: names for columns, by their index. ``suppress_left``:
    who left elsewhere is suppressed, not added."""

    name: str = ""
    list_id: int | None = None
    keep_known: bool = False
    fields: dict[int, str] = field(default_factory=dict)
    suppress_left: bool = True


def target_fields(target: Target, lists: list[tuple[int, str, int]], on_change: Callable[[], Any]) -> None:
    """The fields that change ``target``, then call ``on_change``; ``lists``: id, name, contacts."""
    choose_list(target, lists, on_change)

    def keep(known: bool) -> None:
        target.keep_known = known
        on_change()

    if lists:
        ui.select(
            _KNOWN,
            label="Who is a contact already",
            value=target.keep_known,
            on_change=lambda event: keep(event.value),
        )


def choose_list(target: Target, lists: list[tuple[int, str, int]], on_change: Callable[[], Any] = lambda: None) -> None:
    """Of these the fields for the list."""
    known = {list_id: f"{name} ({count:,})" for list_id, name, count in lists}
    if target.list_id not in known:
        target.list_id = None
    names = {name for _, name, _ in lists}
    if known:
        chosen = ui.select({_NEW: "New list", **known}, label="Add to", value=target.list_id or _NEW)
    name = ui.input("List name", value=target.name).props("maxlength=200")

    def show_name() -> None:
        target.name = name.value or ""
        taken = " ".join(target.name.split()) in names
        words = "There is a list of this name. Choose it under Add to, or this one gets a number."
        name.props["hint"] = words if taken else ""
        name.set_visibility(target.list_id is None)

    def choose(list_id: int) -> None:
        target.list_id = list_id or None
        show_name()
        on_change()

    name.on_value_change(show_name)
    if known:
        chosen.on_value_change(lambda event: choose(event.value))
    show_name()
