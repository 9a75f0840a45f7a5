"""Rows and boxes that pages are made of."""

from nicegui import ui

from campaign_ui.parts.markup import Html, fill

_TITLE = '<div class="font-semibold text-[15px] leading-snug" role="heading" aria-level="2">{}</div>'
_CAPTION = '<div class="text-xs cm-mute mt-0.5">{}</div>'


def page_header(lead: str = "") -> ui.row:
    """A sentence about the page; what is put inside (buttons) stands on the right."""
    with ui.row().classes("w-full items-center justify-between gap-3"):
        ui.label(lead).classes("text-sm cm-mute max-w-[640px]")
        return ui.row().classes("items-center gap-2")


def card(title: str = "", caption: str = "") -> ui.column:
    """A white block with an optional heading."""
    block = ui.column().classes("cm-card w-full gap-3 items-stretch")
    if title:
        with block:
            Html(fill(_TITLE, title) + (fill(_CAPTION, caption) if caption else fill("")))
    return block


def scroll_box(label: str) -> ui.element:
    """For a wide table: it scrolls sideways alone, by keyboard too, and the page never does."""
    box = ui.element("div").classes("cm-scroll").props("role=region tabindex=0")
    box.props["aria-label"] = label
    return box


def skeleton(lines: int = 3) -> ui.element:
    """Where words will be in a moment."""
    block = ui.element("div").classes("cm-skeleton py-2").props("aria-hidden=true")
    with block:
        for _ in range(lines):
            ui.element("div")
    return block


def empty_state(icon: str, title: str, text: str, button: str = "", href: str = "") -> ui.column:
    """What this place is for and one way to begin."""
    block = ui.column().classes("w-full items-center text-center gap-2 py-12 px-6")
    with block:
        with ui.element("div").classes("cm-tile is-brand mb-2").style("width:52px;height:52px;border-radius:16px"):
            ui.icon(icon).classes("text-[26px]")
        ui.label(title).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")
        ui.label(text).classes("text-sm cm-mute max-w-[440px] mb-3")
        if button:
            link_button(button, href)
    return block


def link_button(text: str, href: str, icon: str = "", look: str = "") -> ui.button:
    """A link that looks like a button; ``look`` is outline or flat for a quieter one."""
    button = ui.button(text, icon=icon or None)
    button.props["href"] = href
    return button.props(f"type=a {look}")


def way(text: str, href: str = "") -> ui.link:
    """A link in the colour of the words around it, out of what needs the user."""
    return ui.link(text, href).classes("font-medium max-md:py-2.5").style("color:inherit")


def lead(link: ui.link, href: str) -> None:
    """Let ``link`` go to ``href``; a browser where it does so already is told nothing."""
    if link.props.get("href") != href:
        link.props["href"] = href
