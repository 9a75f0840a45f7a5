"""Why mails failed, grouped by what the servers meant, and sending them again, all or those of one reason."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from campaign_ui.parts.acts import act_in_chunks
from campaign_ui.parts.ask import confirm
from campaign_ui.parts.kept import keep
from core import campaigns
from core.stats import Failure

_MAY_RETRY = ("sending", "paused", "sent")


class Failures:
    """``show`` what failed now; nothing is shown where nothing did."""

    def __init__(self, user_id: int, campaign_id: int) -> None:
        self._user_id, self._campaign_id = user_id, campaign_id
        self._box = ui.column().classes("w-full gap-0")
        self._all = ui.button("Retry failed", icon="replay", on_click=self._retry_all).props("outline")
        self._all.classes("self-start")
        self._failures: list[Failure] = []
        self._rows: dict[tuple[str, str], _Row] = {}

    def show(self, failures: list[Failure], status: str) -> None:
        may_retry = status in _MAY_RETRY
        self._failures = failures
        self._all.set_visibility(may_retry and any(failure.can_retry for failure in failures))
        keep(self._box, self._rows, [_key(failure) for failure in failures], lambda _key: _Row(self._retry))
        for failure in failures:
            self._rows[_key(failure)].show(failure, may_retry)

    async def _retry_all(self) -> None:
        can, never = (sum(getattr(failure, name) for failure in self._failures) for name in ("can_retry", "suppressed"))
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


class _Row(ui.row):
    def __init__(self, retry: Callable[[Failure], Awaitable[None]]) -> None:
        super().__init__()
        self.classes("w-full items-start gap-x-4 gap-y-2 sm:flex-nowrap py-3 cm-line")
        self._failure: Failure | None = None
        self._replies: tuple[tuple[str, int], ...] = ()
        with self:
            self._count = ui.label().classes("cm-badge is-failed min-w-[56px] justify-center shrink-0")
            with ui.element("div").classes("min-w-0 grow text-[13.5px] max-sm:order-last max-sm:w-full"):
                self._explanation = ui.label().classes("font-medium")
                self._advice = ui.label().classes("cm-mute")
                self._said = ui.element("div")
                self._where = ui.label().classes("cm-mute mt-1").style("overflow-wrap:anywhere")
                self._suppressed = ui.label().classes("mt-1")
                self._rule = ui.label().classes("text-xs cm-mute mt-1")
            self._button = ui.button("Retry", on_click=lambda: retry(self._now())).props("outline dense")
            self._button.classes("shrink-0 px-2 max-sm:ml-auto")

    def _now(self) -> Failure:
        assert self._failure is not None
        return self._failure

    def show(self, failure: Failure, may_retry: bool) -> None:
        self._failure = failure
        some = f"{failure.suppressed:,} of them: on" if failure.can_retry else "On"
        suppressed = f"{some} your suppression list, so not sent again." if failure.suppressed else ""
        for label, words in (
            (self._count, f"{failure.count:,}"),
            (self._explanation, failure.explanation),
            (self._advice, failure.advice),
            (self._where, failure.where),
            (self._suppressed, suppressed),
            (self._rule, f"rule {failure.rule_id}" if failure.rule_id else ""),
        ):
            label.set_text(words)
            label.set_visibility(bool(words))
        self._show_replies(failure.replies)
        self._button.set_visibility(may_retry and failure.can_retry > 0)
        self._button.props["aria-label"] = f"Retry: {failure.explanation}"

    def _show_replies(self, replies: tuple[tuple[str, int], ...]) -> None:
        if replies == self._replies:
            return
        self._replies = replies
        self._said.clear()
        with self._said:
            for words, count in replies:
                times = f" ({count:,}×)" if len(replies) > 1 else ""
                ui.label(f"{words}{times}").classes("cm-words cm-mute mt-1")


def _key(failure: Failure) -> tuple[str, str]:
    return failure.kind, failure.rule_id


def _mails(count: int) -> str:
    return "1 mail" if count == 1 else f"{count:,} mails"


def _staying(never: int) -> str:
    """What is said of those that are not sent again."""
    if not never:
        return ""
    return f"{_mails(never)} to addresses on your suppression list {'stays' if never == 1 else 'stay'} failed."
