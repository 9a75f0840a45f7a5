"""One template or starter in the gallery: its picture, its name and what can be done with it."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.markup import SIDE_SECTION, Html, icon
from core.content.starters import Starter
from core.models import Template


@dataclass(frozen=True)
class Shown:
    """What a card shows. ``href`` edits it; ``caption`` says when it changed or what it is for; ``picture``: where."""

    name: str
    caption: str
    picture: str
    href: str


Action = Callable[[], Awaitable[None]]


def template_card(shown: Shown, use: Action, extra: dict[str, tuple[str, Action]], edit: str = "Edit") -> None:
    """``extra``: words -> (icon, what to do), in the card's menu."""
    with ui.element("article").classes("cm-card cm-template") as block:
        block.props["aria-label"] = shown.name
        thumbnail(shown.picture, f"Open {shown.name}", lambda: ui.navigate.to(shown.href))
        with ui.column().classes("p-4 gap-3 w-full grow"):
            with ui.column().classes("gap-0.5 w-full grow min-w-0"):
                name = ui.label(shown.name).classes("font-semibold text-[15px] leading-snug w-full truncate")
                name.props("role=heading aria-level=3")
                ui.label(shown.caption).classes("text-xs cm-mute w-full truncate")
            with ui.row().classes("w-full items-center gap-2 flex-nowrap"):
                ui.button("Use", on_click=use).props["aria-label"] = f"Use {shown.name}"
                change = link_button(edit, shown.href, look="outline")
                change.props["aria-label"] = f"{edit} {shown.name}"
                ui.space()
                if extra:
                    _menu(shown.name, extra)


def _menu(name: str, extra: dict[str, tuple[str, Action]]) -> None:
    with ui.button(icon="more_horiz").props("flat round dense color=grey-7") as button:
        button.props["aria-label"] = f"More for {name}"
        with ui.menu():
            for words, (symbol, action) in extra.items():
                with ui.menu_item(on_click=action):
                    Html(icon(symbol, "text-[18px]")).classes(SIDE_SECTION)
                    ui.item_section(words)


def picture_of(chosen: Template | Starter) -> str:
    """Where its picture is; another address after each change, so that browsers may keep it."""
    if isinstance(chosen, Starter):
        return f"/templates/starters/{chosen.key}/picture?v={hashlib.sha256(chosen.body.encode()).hexdigest()[:8]}"
    return f"/templates/{chosen.id}/picture?v={chosen.updated_at.timestamp():.0f}"


def thumbnail(picture: str, title: str, on_click: Callable[[], Any]) -> ui.element:
    """A small picture of a mail, which is the mail itself; fetched when it comes into view."""
    with ui.element("button").classes("cm-thumb").props("type=button").on("click", on_click) as button:
        button.props["aria-label"] = title
        frame = ui.element("iframe").props("loading=lazy tabindex=-1 aria-hidden=true referrerpolicy=no-referrer")
        frame.props["src"], frame.props["sandbox"], frame.props["title"] = picture, "", title
    return button
