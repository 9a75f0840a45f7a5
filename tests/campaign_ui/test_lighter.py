"""NiceGUI's elements on our collections: what they hold, tell and refuse is what NiceGUI's own do."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from copy import copy
from typing import Any

import pytest
from nicegui import Client, binding, element, ui
from nicegui.classes import Classes
from nicegui.page import page
from nicegui.props import Props
from nicegui.style import Style
from nicegui.testing import User

from campaign_ui import lighter

OWN = {"Classes": Classes, "Style": Style, "Props": Props}


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes the elements from here on those of NiceGUI alone."""

    def back() -> None:
        for name, kind in OWN.items():
            monkeypatch.setattr(element, name, kind)

    return back


@pytest.fixture
async def client(user: User) -> AsyncIterator[Client]:
    lighter.setup()
    made = Client(page("/nowhere"))
    yield made
    made.delete()


def _some() -> list[ui.element]:
    button = ui.button("Go", icon="send", on_click=lambda: None).props('flat :rules="[1, 2]" aria-label="Go on"')
    button.classes("a b").classes(add="c", remove="a").classes(toggle="d").style("color:red;width:1px")
    button.style(remove="width:1px").props(remove="flat").props["options"] = {"a": [1, {"b": 2}], "c": {3}}
    table = ui.table(columns=[{"name": "a", "label": "A", "field": "a"}], rows=[{"a": 1}])
    table.rows.append({"a": 2})
    select = ui.select({1: "One", 2: "Two"}, value=1, label="Which", with_input=True)
    select.set_options({3: "Three"}, value=3)
    label = ui.label("x").classes(replace="only this")
    label.set_visibility(False)
    return [button, table, select, label]


async def test_elements_say_to_the_browser_what_those_of_nicegui_say(client: Client, own: Callable[[], None]) -> None:
    with client:
        assert lighter.is_known()
        ours = _some()
        assert type(ours[0].props) is lighter.Props
        own()
        theirs = _some()
        assert type(theirs[0].props) is Props
        for one, other in zip(ours, theirs, strict=True):
            assert _told(one) == _told(other)
            assert copy(one.props) == one.props and copy(one.classes) == copy(other.classes)


def _told(one: ui.element) -> dict[str, Any]:
    told = one._to_dict()
    told["props"] = {**told.get("props", {}), "for": ""}  # its id
    events = [{**each, "listener_id": ""} for each in told.pop("events", [])]
    return {**told, "events": events, "children": len(told.pop("children", [])), "slots": list(told.pop("slots", {}))}


async def test_each_change_is_told_and_a_suspended_one_is_not(client: Client) -> None:
    with client:
        label = ui.label()
        heard: list[str] = []
        label.props.on_change(lambda: heard.append("changed"))
        label.props["options"] = {"a": [1]}
        client.outbox.updates.clear()
        label.props["options"]["a"].append(2)
        assert heard == ["changed"] * 2 and label.id in client.outbox.updates
        for change in (
            lambda: label.classes.append("x"),
            lambda: label.style.update(color="red"),
            lambda: label.props.pop("options"),
        ):
            client.outbox.updates.clear()
            change()
            assert label.id in client.outbox.updates
            with label.props.suspend_updates(), label.classes.suspend_updates(), label.style.suspend_updates():
                client.outbox.updates.clear()
                label.props["a"] = label.style["b"] = "c"
                label.classes.append("y")
            assert label.id not in client.outbox.updates


async def test_what_one_element_renames_or_warns_of_is_nothing_to_others(client: Client) -> None:
    with client:
        one, other = ui.label(), ui.label()
        assert one.props._renames is other.props._renames
        one.props.add_rename("old", "new")
        for each in (one, other):
            each.props["old"] = "1"
        assert one.props["new"] == "1" and "new" not in other.props


async def test_bindings_work_in_both_directions_and_end_with_the_element(client: Client) -> None:
    with client:
        box, label, switch = ui.input(value="a"), ui.label(), ui.switch(value=True)
        label.bind_text_from(box, "value", lambda value: value.upper())
        box.bind_visibility(switch, "value")
        box.value = "b"
        switch.value = False
        assert label.text == "B" and not box.visible
        box.set_visibility(True)
        assert switch.value
        assert not binding.active_links, "what tells of its changes by itself needs no looking after"
        box.delete()
        assert (id(box), ("value",)) not in binding.bindings


async def test_an_element_takes_about_half_the_memory(client: Client, own: Callable[[], None]) -> None:
    with client:
        ours = _bytes(client)
        own()
        assert ours < 0.6 * _bytes(client)


def _bytes(client: Client) -> int:
    """Of 200 labels, with what they have registered."""
    gc.collect()
    tracemalloc.start()
    kept = [ui.label("x").classes("a b") for _ in range(200)]
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 200
    return size
