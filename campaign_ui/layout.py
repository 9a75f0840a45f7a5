"""The frame around every page: header, navigation, who is signed in, whether mail goes out now."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from nicegui import run, ui

from campaign_ui import auth, live, theme
from campaign_ui.parts import notify_error
from core import accounts, db, stats

_GRACE_SECONDS = 1.0
NAVIGATION = [
    ("Dashboard", "space_dashboard", "/"),
    ("Campaigns", "campaign", "/campaigns"),
    ("Audience", "group", "/audience"),
    ("Templates", "article", "/templates"),
    ("Senders", "alternate_email", "/senders"),
    ("Sandbox", "inbox", "/sandbox"),
    ("Settings", "tune", "/settings"),
]
THEMES = {"light": ("Light", "light_mode"), "dark": ("Dark", "dark_mode"), "auto": ("Like the system", "contrast")}


@contextmanager
def frame(title: str, path: str) -> Iterator[None]:
    """The page's content goes inside; ``path`` is the entry of the navigation it belongs to."""
    user = auth.current()
    ui.page_title(title if title == "Campaigns" else f"{title} · Campaigns")
    mode = theme.apply(user.theme)
    with ui.header(elevated=False).classes("items-center h-16 px-4 lg:px-6 gap-2 lg:gap-3 flex-nowrap"):
        menu = ui.button(icon="menu").props('flat round dense color=grey-7 aria-label="Navigation"')
        menu.classes("lg:hidden")
        heading = ui.label(title).classes("text-lg font-semibold tracking-tight truncate min-w-0")
        heading.props("role=heading aria-level=1")
        ui.space()
        _sending_indicator(user)
        _theme_menu(user, mode)
        _account_menu(user)
    with ui.left_drawer(value=None, elevated=False).props("width=232 breakpoint=1023") as drawer:
        drawer.classes("px-3 py-4 gap-1")
        _navigation(path)
    menu.on_click(drawer.toggle)
    main = ui.column().classes("w-full max-w-[1240px] mx-auto p-4 lg:p-6 gap-4")
    ui.skip_link(target=main)
    _leave_when_signed_out(user)
    ui.on_exception(lambda: notify_error("Something went wrong here. Try again; the server's log tells why."))
    with main:
        yield


def _navigation(path: str) -> None:
    with ui.link(target="/").classes("flex items-center gap-2.5 px-2 pb-4 no-underline").style("color:inherit"):
        with ui.element("div").classes("w-8 h-8 rounded-lg bg-primary flex items-center justify-center"):
            ui.icon("send", color="white").classes("text-base")
        ui.label("Campaigns").classes("font-semibold text-[15px]")
    with ui.element("nav").props('aria-label="Main"').classes("cm-nav w-full flex flex-col gap-1"):
        for text, icon, href in NAVIGATION:
            link = ui.element("a").props(f"href={href}")
            if href == path:
                link.props("aria-current=page")
            with link:
                ui.icon(icon)
                ui.label(text)


def _sending_indicator(user: auth.CurrentUser) -> None:
    with ui.element("div").classes("cm-plane").props("role=status") as plane:
        ui.icon("send")
        words = ui.label()

    def show(sending: bool | None) -> None:
        if sending is not None:
            words.set_text("Sending…" if sending else "Idle")
            plane.classes(add="is-sending" if sending else "", remove="" if sending else "is-sending")

    async def again() -> None:
        with suppress(live.PageGone):
            show(await live.read("sending", _is_sending, user.id))

    live.watch(again, "campaign")
    show(user.is_sending)  # read with the user, off the loop; what changed since then is seen when the tab connects
    ui.context.client.on_connect(again)


def _is_sending(user_id: int) -> bool:
    with db.reading() as session:
        return stats.is_sending(session, user_id)


def _theme_menu(user: auth.CurrentUser, mode: ui.dark_mode) -> None:
    button = ui.button(icon=THEMES[user.theme][1]).props('flat round dense color=grey-7 aria-label="Theme"')

    async def choose(choice: str) -> None:
        theme.switch(mode, choice)
        button.props(f"icon={THEMES[choice][1]}")
        await run.io_bound(_keep_theme, user.id, choice)

    with button, ui.menu():
        for choice, (text, icon) in THEMES.items():
            with ui.menu_item(on_click=lambda choice=choice: choose(choice)):
                with ui.item_section().props("side"):
                    ui.icon(icon).classes("text-[18px]")
                ui.item_section(text)


def _keep_theme(user_id: int, choice: str) -> None:
    with db.session() as session:
        accounts.save_preferences(session, user_id, theme=choice)


def _account_menu(user: auth.CurrentUser) -> None:
    with ui.button().props('flat round dense aria-label="Account"'):
        with ui.avatar(color="primary", text_color="white", size="32px"):
            ui.label(user.email[:1].upper()).classes("text-sm font-semibold")
        with ui.menu().classes("min-w-[220px]"):
            with ui.element("div").classes("px-4 pt-3 pb-2"):
                ui.label("Signed in as").classes("text-xs cm-mute")
                ui.label(user.email).classes("text-sm font-medium").style("overflow-wrap:anywhere")
            ui.separator()
            ui.menu_item("Settings", on_click=lambda: ui.navigate.to("/settings"))
            ui.menu_item("Log out", on_click=lambda: ui.navigate.to("/logout"))


def _leave_when_signed_out(user: auth.CurrentUser) -> None:
    client = ui.context.client

    async def check() -> None:
        alive = await live.read("sessions", _sessions_alive, user.id)
        if alive is not None and user.session_hash not in alive:
            # The page must not act any more, whatever its browser does with the request to load it again.
            client.request.scope["state"]["user"] = None
            await asyncio.sleep(_GRACE_SECONDS)  # the tab that logged out is on its way already
            if client.has_socket_connection:
                ui.navigate.reload()
                await asyncio.sleep(_GRACE_SECONDS)
            if client.has_socket_connection and not client.is_deleted:
                client.delete()  # its buttons know the user; a page that did leave is deleted by NiceGUI

    live.watch(check, "session")


def _sessions_alive(user_id: int) -> set[str]:
    with db.reading() as session:
        return accounts.sessions_alive(session, user_id)
