"""The frame around every page: header, navigation, who is signed in, whether mail goes out now."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from markupsafe import Markup
from nicegui import ui

from campaign_ui import auth, live, sockets, theme
from campaign_ui.commands import PLACES
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import notify_error
from campaign_ui.parts.markup import Html, fill, icon
from campaign_ui.parts.undo import listen_for_undo
from campaign_ui.tab import Tab, say_stopped, watch_connection
from core import accounts, clock, db, stats
from core.stats import Outgoing, Pulse

_GRACE_SECONDS = 1.0
PATIENCE = 30.0  # seconds a page may take on a busy machine; NiceGUI's 3 end in an error page
_BRAND = """
<a href="/" class="flex items-center gap-2.5 px-2 pb-4 no-underline" style="color:inherit">
  <div class="w-8 h-8 rounded-lg bg-primary flex items-center justify-center">{}</div>
  <div class="font-semibold text-[15px]">Campaigns</div>
</a>
"""
_FINDER = fill(
    '{}<div class="max-md:hidden">Find anything</div>'
    '<span class="cm-kbd is-chord max-lg:hidden" aria-hidden="true"></span>',
    icon("search"),
)
_SIGNED_IN = """
<div class="text-xs cm-mute">Signed in as</div>
<div class="text-sm font-medium" style="overflow-wrap:anywhere">{}</div>
"""
_PULSES = {Pulse.sending: "Sending…", Pulse.waiting: "Waiting", Pulse.idle: "Idle"}
THEMES = {"light": ("Light", "light_mode"), "dark": ("Dark", "dark_mode"), "auto": ("Like the system", "contrast")}


@contextmanager
def frame(title: str, path: str) -> Iterator[None]:
    """The page's content goes inside; ``path`` is the entry of the navigation it belongs to."""
    user = auth.current()
    ui.page_title(title if title == "Campaigns" else f"{title} · Campaigns")
    mode = theme.apply(user.theme)
    with ui.header(elevated=False):
        menu = ui.button(icon="menu").props('flat round dense color=grey-7 aria-label="Navigation"')
        menu.classes("lg:hidden")
        heading = ui.label(title).classes("text-lg font-semibold tracking-tight truncate min-w-0")
        heading.props("role=heading aria-level=1")
        ui.space()
        _finder()
        _sending_indicator(user)
        _theme_menu(user, mode)
        _account_menu(user)
    # NiceGUI's value=None would ask the browser, and log an error where the page is left within a second.
    with ui.left_drawer(value=False, elevated=False).props("width=232 breakpoint=1023 show-if-above") as drawer:
        drawer.set_value(None)
        drawer.classes("px-3 py-4 gap-1")
        _navigation(path)
    menu.on("click", js_handler=f"() => getElement({drawer.id}).toggle()")
    main = ui.column().classes("w-full max-w-[1240px] mx-auto p-4 lg:p-6 gap-4")
    ui.skip_link(target=main)
    _leave_when_signed_out(user)
    watch_connection()
    listen_for_undo()
    ui.on_exception(_tell)
    with main:
        yield


def _tell(error: Exception) -> None:
    if db.is_away(error):
        notify_error("The database is away. Nothing that was kept is lost; try again in a moment.")
    else:
        notify_error("Something went wrong here. Try again; the server's log tells why.")


def _navigation(path: str) -> None:
    Html(fill(_BRAND, icon("send", "text-white text-base"))).classes("w-full")
    links = [
        fill('<a href="{}" {}>{}<div>{}</div></a>', place.href, _here(place.href == path), icon(place.icon), place.text)
        for place in PLACES
    ]
    nav = Html(fill("").join(links), "nav").classes("cm-nav w-full flex flex-col gap-1")
    nav.props('aria-label="Main"')


def _here(is_here: bool) -> Markup:
    return fill('aria-current="page"') if is_here else fill("")


def _finder() -> None:
    """A button for the command palette, which the keys open too."""
    button = Html(_FINDER, "button").classes("cm-finder").props("type=button aria-haspopup=dialog")
    button.props('aria-label="Find anything" aria-keyshortcuts="Control+K Meta+K"')
    button.on("click", js_handler="() => cmKeys.openPalette()")


def _sending_indicator(user: auth.CurrentUser) -> None:
    with ui.element("div").classes("flex items-center flex-nowrap shrink-0 gap-1 sm:gap-3").props("role=status"):
        stopped = Html(fill(""), "a").classes("cm-stopped")
        with ui.element("div").classes("cm-plane") as plane:
            ui.icon("send")
            words = ui.label()

    def show(outgoing: Outgoing | None) -> None:
        if outgoing is not None:
            pulse = stats.pulse(outgoing.going)
            words.set_text(_PULSES[pulse])
            plane.classes(f"is-{pulse}", remove=" ".join(f"is-{each}" for each in Pulse if each != pulse))
            plane.set_visibility(pulse != Pulse.idle or not say_stopped(outgoing))
            _show_stopped(stopped, outgoing)

    tab = Tab(user.id)

    async def again() -> None:
        show(await tab.refresh())

    for topic in ("campaign", "sender"):
        live.watch(again, topic)
    show(user.outgoing)  # read with the user, off the loop; what changed since then is seen when the tab connects
    ui.context.client.on_connect(again)


def _show_stopped(link: Html, outgoing: Outgoing) -> None:
    """Leads to the campaign, or to the dashboard where several are."""
    found = outgoing.stopped or outgoing.mended
    link.set_visibility(bool(found))
    if found:
        symbol = icon("error" if outgoing.stopped else "play_circle")
        link.set(fill("{}<span>{}</span>", symbol, say_stopped(outgoing)))
        link.classes(replace="cm-stopped" if outgoing.stopped else "cm-stopped is-ready")
        link.props["href"] = f"/campaigns/{found[0].id}" if len(found) == 1 else "/"


def _theme_menu(user: auth.CurrentUser, mode: ui.dark_mode) -> None:
    button = ui.button(icon=THEMES[user.theme][1]).props('flat round dense color=grey-7 aria-label="Theme"')

    async def choose(choice: str) -> None:
        if choice not in THEMES:
            return
        theme.switch(mode, choice)
        button.props(f"icon={THEMES[choice][1]}")
        await off_loop(_keep_theme, user.id, choice)

    ui.on("cm_theme", lambda event: choose(str(event.args)))
    with button, ui.menu():
        for choice, (text, symbol) in THEMES.items():
            with ui.menu_item(on_click=lambda choice=choice: choose(choice)):
                Html(fill("{}{}", icon(symbol, "text-[18px] mr-4"), text)).classes(
                    "flex flex-nowrap items-center whitespace-nowrap"
                )


def _keep_theme(user_id: int, choice: str) -> None:
    with db.session() as session:
        accounts.save_preferences(session, user_id, theme=choice)


def _account_menu(user: auth.CurrentUser) -> None:
    with ui.button().props('flat round dense aria-label="Account"'):
        initial = Html(fill("{}", user.email[:1].upper())).style("width:32px;height:32px")
        initial.classes("rounded-full bg-primary text-white text-sm font-semibold flex items-center justify-center")
        with ui.menu().classes("min-w-[220px]"):
            Html(fill(_SIGNED_IN, user.email)).classes("px-4 pt-3 pb-2")
            ui.separator()
            ui.menu_item("Settings", on_click=lambda: ui.navigate.to("/settings"))
            ui.menu_item("Log out", on_click=lambda: ui.navigate.to("/logout"))


def _leave_when_signed_out(user: auth.CurrentUser) -> None:
    client = ui.context.client

    async def check() -> None:
        alive = await live.read("sessions", _sessions_alive, user.id)
        if alive is None:
            return
        if user.session_hash in alive:
            at_its_end()
        else:
            # The page must not act any more, whatever its browser does with the request to load it again.
            client.request.scope["state"]["user"] = None
            await asyncio.sleep(_GRACE_SECONDS)  # the tab that logged out is on its way already
            if client.has_socket_connection:
                ui.navigate.reload()
                await asyncio.sleep(_GRACE_SECONDS)
            await sockets.close(client)  # its buttons know the user

    def at_its_end() -> None:
        left = (user.session_ends - clock.utcnow()).total_seconds()
        watcher.again_in(max(left, 0) + _GRACE_SECONDS)

    watcher = live.watch(check, "session")
    at_its_end()


def _sessions_alive(user_id: int) -> set[str]:
    with db.reading() as session:
        return accounts.sessions_alive(session, user_id)
