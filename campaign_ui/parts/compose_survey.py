"""The walk through the audience while Compose is open: begun again when the mail or its people change, never twice."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from nicegui import background_tasks, ui

from campaign_ui import live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.compose_data import Compose
from core.campaigns.preflight.survey import Survey, survey
from core.errors import NotFound

_WAITS = 0.5  # seconds after a change of the audience: an upload makes many
_TELLS = 0.25  # seconds between two looks at how far it is


class SurveyRun:
    """``found``: the last survey that is done; ``now``: the one under way. Listeners are called on the loop."""

    def __init__(self, compose: Compose) -> None:
        self.compose, self.client = compose, ui.context.client
        self.found: Survey | None = None
        self.now: Survey | None = None
        self._wanted: Any = None
        self._changes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._listeners: list[Callable[[], Any]] = []
        live.watch(self._audience_changed, "audience")

    @property
    def is_running(self) -> bool:
        return self.now is not None

    def on_progress(self, call: Callable[[], Any]) -> None:
        self._listeners.append(call)

    def begin(self) -> None:
        """Walk, unless a walk through just this mail and these people is done or under way."""
        wanted = self._key()
        if wanted == self._wanted:
            return
        self._wanted = wanted
        background_tasks.create(self._walk(wanted), name="survey")

    def _key(self) -> Any:
        values = self.compose.draft.values
        names = ("subject", "preheader", "body", "body_kind", "sender_id")
        return (*(values[name] for name in names), *map(tuple, self.compose.audience), self._changes)

    def _audience_changed(self) -> None:
        self._changes += 1
        if self._wanted is None:
            return  # nobody looked yet
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_WAITS, self._again)

    def _again(self) -> None:
        if not self.client.is_deleted:
            self.begin()

    async def _walk(self, wanted: Any) -> None:
        steps, told = survey(self.compose.user_id, self.compose.draft.id), 0.0
        while True:
            try:
                step = await off_loop(next, steps, None)
            except NotFound:
                step = None
            if self._wanted != wanted or self.client.is_deleted:
                return  # another walk took over, or the page was left
            if step is None:  # the campaign is gone
                self.now = None
                return
            self.now = None if step.is_done else step
            if step.is_done:
                self.found = step
            if step.is_done or monotonic() - told > _TELLS:
                told = monotonic()
                for call in self._listeners:
                    call()
            if step.is_done:
                return
