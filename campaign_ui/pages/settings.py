"""Settings of the signed-in user."""

import json

from nicegui import events, ui

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, card, confirm, link_button, notify_done, notify_error
from campaign_ui.parts.ask import NOT_NOW
from campaign_ui.parts.zone_select import zone_select
from core import accounts, clock, db, tries
from core.errors import RuleError

_NO_NOTICES = {
    "denied": "The browser forbids notifications from this address. Allow them in its site settings, then try again.",
    "missing": "This browser shows notifications only of addresses that begin with https.",
}
_THEMES = {choice: text for choice, (text, _) in layout.THEMES.items()}


def register() -> None:
    @ui.page("/settings", response_timeout=layout.PATIENCE)
    async def settings(saved: str = "") -> None:
        user = auth.current()
        if saved:  # the page was loaded again, in its new zone and theme
            notify_done("Saved.")
            ui.run_javascript('history.replaceState(history.state, "", "/settings")')
        with layout.frame("Settings", "/settings"), ui.column().classes("w-full max-w-[720px] gap-4"):
            _account(user)
            _looks(user)
            _this_browser()
            _password(user)
            await _browsers(user)


def _account(user: auth.CurrentUser) -> None:
    with card("Account"):
        with ui.row().classes("items-center gap-3"):
            ui.label(user.email).classes("text-sm font-medium").style("overflow-wrap:anywhere")
            if user.is_admin:
                ui.label("Administrator").classes("cm-badge is-brand")
                ui.space()
                link_button("Users", "/users", icon="group", look="outline")


def _looks(user: auth.CurrentUser) -> None:
    with card("Time zone and theme", "All times are shown in this zone."):
        zone = zone_select("Time zone", user.time_zone).classes("w-full")
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


def _this_browser() -> None:
    """What is kept in the browser and not in the account."""
    with card("This browser", "Kept here, not in your account."):
        keys = ui.switch("Single keys, like c for a new campaign", value=True)
        ui.label("Press ? on any page to see them.").classes("text-[13px] cm-mute -mt-2")
        notices = ui.switch("Tell me when a campaign is finished or paused")
        ui.label("By a notification of the browser, while a tab of Campaigns is open.").classes(
            "text-[13px] cm-mute -mt-2"
        )
    client = ui.context.client

    async def show() -> None:
        try:
            is_on = await client.run_javascript("[cmKeys.isOn(), cmTab.notices.isOn()]", timeout=5)
        except TimeoutError:  # the tab went elsewhere before it answered
            return
        if is_on is None:  # it was closed
            return
        if not is_on[0]:  # else it stands right already, or was switched meanwhile
            keys.set_value(False)
        if is_on[1]:
            notices.set_value(True)

    async def turn_keys(event: events.ValueChangeEventArguments[bool | None]) -> None:
        client.run_javascript(f"cmKeys.turn({json.dumps(bool(event.value))})")

    async def turn_notices(event: events.ValueChangeEventArguments[bool | None]) -> None:
        answer = await client.run_javascript(f"cmTab.notices.turn({json.dumps(bool(event.value))})", timeout=120)
        if answer not in ("granted", "off"):
            notices.set_value(False)
            notify_error(_NO_NOTICES.get(answer, _NO_NOTICES["denied"]))

    keys.on_value_change(turn_keys)
    notices.on_value_change(turn_notices)
    client.on_connect(show)


def _password(user: auth.CurrentUser) -> None:
    with card("Password", "A new password signs out every other browser."):
        current = _password_field("Current password", "current-password")
        new = _password_field("New password", "new-password")

        async def change() -> None:
            try:
                await off_loop(_change_password, user, current.value or "", new.value or "")
            except RuleError as error:
                return notify_error(str(error))
            notify_done("The password is changed.")
            current.set_value("")
            new.set_value("")

        ui.button("Change password", on_click=change).classes("self-start")


def _password_field(label: str, autocomplete: str) -> ui.input:
    field = ui.input(label, password=True, password_toggle_button=True).classes("w-full")
    return field.props(f"autocomplete={autocomplete} maxlength=200")


def _change_password(user: auth.CurrentUser, current: str, new: str) -> None:
    accounts.check_password(new)  # before a try is counted
    browser = tries.signed_in(user.id, user.session_hash)
    with db.session() as session:
        tries.begin(session, user.email, "", browser)
    with db.reading() as session:
        found = accounts.identify(session, user.email, current)
    if found is None:
        raise RuleError(accounts.WRONG_CURRENT)
    hashed = accounts.new_hash(new)  # as above: takes 50 ms, in which nobody waits to write
    with db.session() as session:
        accounts.change_password(session, user.id, found.password_hash, hashed)
        accounts.end_other_sessions(session, user.id, user.session_hash)
        tries.passed(session, user.email, "", browser)


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
        if await confirm("Sign out everywhere else?", "Other browsers must log in again.", "Sign out", no=NOT_NOW):
            await act(accounts.end_other_sessions, user.id, user.session_hash, done="Only this browser is signed in.")

    button.on_click(sign_out)
    live.watch(again, "session")
    show(await off_loop(_sessions_alive, user.id))


def _sessions_alive(user_id: int) -> set[str]:
    with db.reading() as session:
        return accounts.sessions_alive(session, user_id)
