"""Rows and boxes that pages are made of."""

from nicegui import ui


def page_header(lead: str = "") -> ui.row:
    """A sentence about the page; what is put inside (buttons) stands on the right."""
    with ui.row().classes("w-full items-center justify-between gap-3"):
        ui.label(lead).classes("text-sm cm-mute max-w-[640px]")
        return ui.row().classes("items-center gap-2")


def card(title: str = "", caption: str = "") -> ui.column:
    """A white block with an optional heading."""
    block = ui.column().classes("cm-card w-full gap-3 items-stretch")
    if title:
        with block, ui.element("div"):
            ui.label(title).classes("font-semibold text-[15px] leading-snug").props("role=heading aria-level=2")
            if caption:
                ui.label(caption).classes("text-xs cm-mute mt-0.5")
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
