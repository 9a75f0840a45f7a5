"""The look, in one place: tokens and rules are in static/*.css, widget defaults and the dark switch here."""

import copy

from nicegui import app, ui

from campaign_ui import commands
from campaign_ui.plain import version

SENT, FAILED, PENDING, BRAND = "#0f9f6e", "#e11d48", "#e2a308", "#4f46e5"

_DARK = {"auto": None, "light": False, "dark": True}
# Before NiceGUI's scripts run, the page is bare: without this a dark page begins with a white flash.
_FIRST_PAINT = {
    "light": "<style>html{background:#f6f7fb}</style>",
    "dark": "<style>html{background:#0e1017;color-scheme:dark}</style>",
    "auto": (
        "<style>html{background:#f6f7fb}"
        "@media(prefers-color-scheme:dark){html{background:#0e1017;color-scheme:dark}}</style>"
    ),
}


def setup() -> None:
    """Once per program: colours, style sheets, defaults of widgets."""
    app.colors(
        primary=BRAND,
        secondary="#0ea5e9",
        accent="#8b5cf6",
        positive=SENT,
        negative="#d11643",
        warning="#b45309",
        info="#2563eb",
        dark="#161923",
        dark_page="#0e1017",
    )
    app.config.quasar_config["loadingBar"]["skipHijack"] = True  # long work shows its own progress, with a name
    links = "".join(f'<link rel="stylesheet" href="/static/{name}.css?v={version()}">' for name in ("tokens", "app"))
    font = '<link rel="preload" href="/static/inter-latin.woff2" as="font" type="font/woff2" crossorigin>'
    scripts = "".join(f'<script src="/static/{name}.js?v={version()}" defer></script>' for name in ("app", "keys"))
    told = f'<script type="application/json" id="cm-commands">{commands.for_browser()}</script>'
    ui.add_head_html(font + links + told + scripts, shared=True)
    ui.button.default_props("unelevated no-caps")
    ui.input.default_props("outlined dense")
    ui.number.default_props("outlined dense")
    ui.textarea.default_props("outlined dense")
    ui.select.default_props("outlined dense options-dense")
    ui.linear_progress.default_props("rounded")
    ui.menu_item.default_props("role=menuitem")  # Quasar says listitem, which no menu may have


def apply(choice: str) -> ui.dark_mode:
    """Make this page light, dark or as the system says (auto), from its first paint on."""
    client = ui.context.client
    client.page = copy.copy(client.page)  # it is shared by all clients of the route
    client.page.dark = _DARK[choice]
    ui.add_head_html(_FIRST_PAINT[choice])
    return ui.dark_mode(_DARK[choice])


def switch(mode: ui.dark_mode, choice: str) -> None:
    """Change a page that is open."""
    mode.value = _DARK[choice]
