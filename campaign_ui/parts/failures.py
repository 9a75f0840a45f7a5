"""Why mails failed, grouped by what the servers meant, and sending them again, all or those of one reason."""

from nicegui import ui

from campaign_ui.parts.acts import act_in_chunks
from campaign_ui.parts.ask import confirm
from core import campaigns
from core.stats import Failure

_MAY_RETRY = ("sending", "paused", "sent")


class Failures:
    """``show`` what failed now; nothing is shown where nothing did."""

    def __init__(self, user_id: int, campaign_id: int) -> None:
        self._user_id, self._campaign_id = user_id, campaign_id
        self._rows = ui.column().classes("w-full gap-0")
        self._all = ui.button("Retry failed", icon="replay", on_click=self._retry_all).props("outline")
        self._all.classes("self-start")
        self._shown: tuple[list[Failure], bool] = ([], False)

    def show(self, failures: list[Failure], status: str) -> None:
        may_retry = status in _MAY_RETRY
        self._all.set_visibility(may_retry and any(failure.can_retry for failure in failures))
        if (failures, may_retry) == self._shown:
            return
        self._shown = (failures, may_retry)
        self._rows.clear()
        with self._rows:
            for failure in failures:
                self._row(failure, may_retry)

    def _row(self, failure: Failure, may_retry: bool) -> None:
        with ui.row().classes("w-full items-start gap-x-4 gap-y-2 sm:flex-nowrap py-3 cm-line"):
            ui.label(f"{failure.count:,}").classes("cm-badge is-failed min-w-[56px] justify-center shrink-0")
            with ui.element("div").classes("min-w-0 grow text-[13.5px] max-sm:order-last max-sm:w-full"):
                ui.label(failure.explanation).classes("font-medium")
                ui.label(failure.advice).classes("cm-mute")
                for words, count in failure.replies:
                    times = f" ({count:,}×)" if len(failure.replies) > 1 else ""
                    ui.label(f"{words}{times}").classes("cm-words cm-mute mt-1")
                if failure.suppressed:
                    some = f"{failure.suppressed:,} of them: on" if failure.can_retry else "On"
                    ui.label(f"{some} your suppression list, so not sent again.").classes("mt-1")
                if failure.rule_id:
                    ui.label(f"rule {failure.rule_id}").classes("text-xs cm-mute mt-1")
            if may_retry and failure.can_retry:
                button = ui.button("Retry", on_click=lambda: self._retry(failure)).props("outline dense")
                button.classes("shrink-0 px-2 max-sm:ml-auto")
                button.props["aria-label"] = f"Retry: {failure.explanation}"

    async def _retry_all(self) -> None:
        failures, _ = self._shown
        can, never = (sum(getattr(failure, name) for failure in failures) for name in ("can_retry", "suppressed"))
        text = f"They wait again and are tried as if for the first time. {_staying(never)}".strip()
        if await confirm(f"Send {_mails(can)} that failed again?", text, "Retry", color="primary"):
            await self._do()

    async def _retry(self, failure: Failure) -> None:
        text = f"{failure.explanation} {_staying(failure.suppressed)}".strip()
        if await confirm(
            f"Send {_mails(failure.can_retry)} that failed for this reason again?", text, "Retry", color="primary"
        ):
            await self._do(kind=failure.kind, rule_id=failure.rule_id)

    async def _do(self, **reason: str) -> None:
        await act_in_chunks(
            campaigns.retry_failed,
            self._user_id,
            self._campaign_id,
            done="{count} put back, to be sent again.",
            **reason,
        )


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count:,} mails"


def _staying(never: int) -> str:
    """What is said of those that are not sent again."""
    if not never:
        return ""
    return f"{_mails(never)} to addresses on your suppression list {'stays' if never == 1 else 'stay'} failed."
