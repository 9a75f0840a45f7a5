"""Try it now: from nothing to a campaign that goes out to the sandbox, after one question."""

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.ask import answer, confirm, dialog_title
from campaign_ui.parts.notices import notify_error
from core import db
from core.audience import samples
from core.campaigns import trial
from core.errors import RuleError

_WHAT = (
    f"This adds {samples.COUNT} sample contacts, a template and a campaign, and sends it to the sandbox, a mail server "
    "inside this program. Nobody receives anything: the readers are simulated too, and you see every mail they get."
)
_MARKED = "All of it is marked as a sample and can be removed with one click."
_AGAIN = "One more sample campaign goes to the sample contacts through the sandbox. Nobody receives anything."


def try_it_button(user_id: int, is_again: bool = False) -> ui.button:
    """Asks, then opens the sample campaign."""
    button = ui.button("Send samples again" if is_again else "Try it now", icon="play_arrow")

    async def begin() -> None:
        start = await _ask(is_again)
        if start is not None:
            button.props("loading")
            try:
                await _begin(user_id, start)
            finally:
                button.props(remove="loading")

    return button.on_click(begin)


async def remove_samples(user_id: int) -> bool:
    """Asks, then takes away everything that "Try it now" made; whether it did."""
    text = "Sample contacts, template and campaigns are deleted; what is your own stays. You can try it again any time."
    if not await confirm("Remove the samples?", text, "Remove samples"):
        return False
    return await act(trial.remove, user_id, done="The samples are gone.")


async def _begin(user_id: int, start: bool) -> None:
    try:
        campaign_id = await off_loop(_make, user_id, start)
    except RuleError as error:
        return notify_error(str(error))
    ui.navigate.to(f"/campaigns/{campaign_id}" if start else f"/campaigns/{campaign_id}/edit")


async def _ask(is_again: bool) -> bool | None:
    """True: send it now; False: only make the draft; None: neither."""
    with ui.dialog() as dialog, ui.card().classes("w-[520px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = "Try it now"
        dialog_title("Send the samples again" if is_again else "See the whole job in a minute")
        for words in [_AGAIN] if is_again else [_WHAT, _MARKED]:
            ui.label(words).classes("text-sm cm-mute")
        with ui.row().classes("w-full justify-end gap-2 mt-4"):
            ui.button("Not now", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
            ui.button("Draft only", on_click=lambda: dialog.submit(False)).props("outline")
            ui.button("Send to the sandbox", on_click=lambda: dialog.submit(True)).props("autofocus")
    start = await answer(dialog)
    return start if isinstance(start, bool) else None


def _make(user_id: int, start: bool) -> int:
    with db.session() as session:
        return trial.begin(session, user_id, start)
