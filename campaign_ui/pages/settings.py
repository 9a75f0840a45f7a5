"""Settings of the signed-in user."""

import pytz
from nicegui import run, ui
from sqlmodel import Session

from campaign_ui import auth, layout, live
from campaign_ui.parts import act, card, confirm, notify_done
from core import accounts, clock, db

_THEMES = {"light": "Light", "dark": "Dark", "auto": "Like the system"}


def register() -> None:
    @ui.page("/settings")
    async def settings(saved: str = "") -> None:
        user = auth.current()
        if saved:  # the page was loaded again, in its new zone and theme
            notify_done("Saved.")
            ui.run_javascript('history.replaceState(history.state, "", "/settings")')
        with layout.frame("Settings", "/settings"), ui.column().classes("w-full max-w-[720px] gap-4"):
            _account(user)
            _looks(user)
            _password(user)
            await _browsers(user)


def _account(user: auth.CurrentUser) -> None:
    with card("Account"):
        with ui.row().classes("items-center gap-3"):
            ui.label(user.email).classes("text-sm font-medium").style("overflow-wrap:anywhere")
            if user.is_admin:
                ui.label("Administrator").classes("cm-badge is-brand")


def _looks(user: auth.CurrentUser) -> None:
    with card("Time zone and theme", "All times are shown in this zone."):
        zones = sorted({*pytz.common_timezones, user.time_zone})
        zone = ui.select(zones, value=user.time_zone, label="Time zone", with_input=True).classes("w-full")
        theme = ui.select(_THEMES, value=user.theme, label="Theme").classes("w-full")
        now = ui.label().classes("text-[13px] cm-mute")

        def show_now() -> None:
            now.set_text(f"It is now {clock.show(clock.utcnow(), zone.value or user.time_zone)}.")

        async def save() -> None:
            if await act(accounts.save_preferences, user.id, time_zone=zone.value, theme=theme.value):
                ui.navigate.to("/settings?saved=1")

        zone.on_value_change(show_now)
        show_now()
        ui.button("Save", on_click=save).classes("self-start")


def _password(user: auth.CurrentUser) -> None:
    with card("Password", "A new password signs out every other browser."):
        current = _password_field("Current password", "current-password")
        new = _password_field("New password", "new-password")

        async def change() -> None:
            if await act(_change_password, user, current.value, new.value, done="The password is changed."):
                current.set_value("")
                new.set_value("")

        ui.button("Change password", on_click=change).classes("self-start")


def _password_field(label: str, autocomplete: str) -> ui.input:
    field = ui.input(label, password=True, password_toggle_button=True).classes("w-full")
    return field.props(f"autocomplete={autocomplete} maxlength=200")


def _change_password(session: Session, user: auth.CurrentUser, current: str, new: str) -> None:
    accounts.change_password(session, user.id, current or "", new or "")
    accounts.end_other_sessions(session, user.id, user.session_hash)


async def _browsers(user: auth.CurrentUser) -> None:
    with card("Signed-in browsers"):
        words = ui.label().classes("text-sm cm-mute")
        button = ui.button("Sign out everywhere else").props("outline").classes("self-start")

    def show(alive: set[str] | None) -> None:
        if alive is not None:
            others = len(alive - {user.session_hash})
            browsers = "1 other browser" if others == 1 else f"{others:,} other browsers"
            words.set_text(f"You are signed in here and in {browsers}." if others else "You are signed in only here.")
            button.set_enabled(others > 0)

    async def again() -> None:
        show(await live.read("browsers", _sessions_alive, user.id))

    async def sign_out() -> None:
        if await confirm("Sign out everywhere else?", "Other browsers must log in again.", "Sign out"):
            await act(accounts.end_other_sessions, user.id, user.session_hash, done="Only this browser is signed in.")

    button.on_click(sign_out)
    live.watch(again, "session")
    show(await run.io_bound(_sessions_alive, user.id))


def _sessions_alive(user_id: int) -> set[str]:
    with db.reading() as session:
        return accounts.sessions_alive(session, user_id)
