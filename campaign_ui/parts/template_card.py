"""One template or starter in the gallery: its picture, its name and what can be done with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui

from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.preview import thumbnail
from core.content import html, merge
from core.models import BodyKind

_LARGE = 150_000  # characters; a picture of more is not worth sending to the browser
_EXAMPLE = {"first_name": "Anna", "email": "anna@example.com", "unsubscribe_url": "#"}


@dataclass(frozen=True)
class Shown:
    """What a card shows. ``href`` edits it; ``caption`` says when it changed or what it is for."""

    name: str
    caption: str
    body: str
    body_kind: str
    href: str


Action = Callable[[], Awaitable[None]]


def template_card(shown: Shown, use: Action, extra: dict[str, tuple[str, Action]], edit: str = "Edit") -> None:
    """``extra``: words -> (icon, what to do), in the card's menu."""
    with ui.element("article").classes("cm-card cm-template") as block:
        block.props["aria-label"] = shown.name
        source = html.wrap_rich(shown.body) if shown.body_kind == BodyKind.rich else shown.body
        source = merge.render_html(source, _EXAMPLE) if len(source) <= _LARGE else "<p>A large mail</p>"
        thumbnail(source, f"Open {shown.name}", lambda: ui.navigate.to(shown.href))
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
            for words, (icon, action) in extra.items():
                with ui.menu_item(on_click=action):
                    with ui.item_section().props("side"):
                        ui.icon(icon).classes("text-[18px]")
                    ui.item_section(words)
