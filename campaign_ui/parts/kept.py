"""Lists that change while they are used: what stays keeps its elements."""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from nicegui import ui

K = TypeVar("K", bound=Hashable)
E = TypeVar("E", bound=ui.element)


def keep(box: ui.element, rows: dict[K, E], wanted: Sequence[K], make: Callable[[K], E]) -> None:
    """``rows`` as ``wanted``, in this order, in ``box``, which holds nothing else; ``make`` builds those that are new.

    A button that is made anew while it is pressed is not hit, and one that had the focus loses it. Nothing is done in a
    tab that was left meanwhile.
    """
    if box.is_deleted:
        return
    for key in rows.keys() - set(wanted):
        rows.pop(key).delete()
    for index, key in enumerate(wanted):
        if key not in rows:
            with box:
                rows[key] = make(key)
        if box.default_slot.children[index] is not rows[key]:
            rows[key].move(target_index=index)
