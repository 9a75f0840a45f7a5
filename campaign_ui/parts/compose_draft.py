"""The draft while it is typed: kept a moment after the last key, one save at a time, and nothing lost."""

import asyncio
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicegui import background_tasks

from campaign_ui.off_loop import off_loop
from core import campaigns, clock, db
from core.campaigns import versions
from core.errors import NotFound, RuleError
from core.models import Campaign

SAVE_AFTER = 0.6  # seconds after the last key
RETRY_AFTER = 5.0  # seconds, while the database does not answer


@dataclass(frozen=True)
class State:
    """What the indicator says. ``kind``: saved, waiting, failed, conflict (another tab saved), ended (no draft now)."""

    kind: str
    words: str = ""


class Draft:
    """``values`` is what the page shows; ``change`` keeps it. Listeners are called on the loop."""

    def __init__(self, user_id: int, time_zone: str, campaign: Campaign) -> None:
        assert campaign.id is not None
        self.user_id, self.id, self.version = user_id, campaign.id, campaign.version
        self.values: dict[str, Any] = campaign.model_dump(
            include={
                *("name", "subject", "preheader", "sender_id", "body", "body_kind", "language"),
                *("scheduled_at", "time_zone", "sending_window", "warmup"),
            }
        )
        self.state = State("saved", f"Saved {clock.of_day(campaign.updated_at, time_zone)}")
        self._time_zone = time_zone
        self._unsaved: dict[str, Any] = {}
        self._aside: dict[str, str] = {}  # what of it is in the version history, and as which version
        self._aside_id: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._one_save = asyncio.Lock()
        self._closed = False
        self._on_state: list[Callable[[], Any]] = []
        self._on_change: list[Callable[[], Any]] = []
        _open.add(self)

    @property
    def is_all_saved(self) -> bool:
        """Whether nothing was typed here that is not saved: then there is nothing to choose in a conflict."""
        return not self._unsaved

    def on_state(self, call: Callable[[], Any]) -> None:
        self._on_state.append(call)

    def on_change(self, call: Callable[[], Any]) -> None:
        """``call`` after every change of what is shown, saved or not."""
        self._on_change.append(call)

    def change(self, **values: Any) -> None:
        """Show and keep ``values``; those that are the same already are nothing new."""
        new = {name: value for name, value in values.items() if self.values[name] != value}
        if not new:
            return
        was_saved = self.is_all_saved
        self.values.update(new)
        self._unsaved.update(new)
        for call in self._on_change:
            call()
        if self.state.kind in ("conflict", "ended"):
            if was_saved:
                self._show(self.state)  # there is something to choose now
            return  # the user is asked first
        self._show(State("waiting", "Saving…"))
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(SAVE_AFTER, self._save_soon)

    async def flush(self) -> bool:
        """Save now; whether everything shown is kept.

        What cannot be, as another tab saved or scheduled first, goes into the version history.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        async with self._one_save:
            while self._unsaved and self.state.kind not in ("conflict", "ended"):
                if not await self._save_once():
                    break
            if self.state.kind in ("conflict", "ended"):
                await self._keep_aside()
        return not self._unsaved

    def kept_beside(self, at: datetime) -> None:
        """Something of the campaign that is no part of ``values``, its lists, was kept ``at``."""
        if self.state.kind == "saved":
            self._show(State("saved", f"Saved {clock.of_day(at, self._time_zone)}"))

    async def keep_mine(self) -> bool:
        """After a conflict: what this tab shows replaces what the other saved, which the version history keeps."""
        async with self._one_save:
            kept = await off_loop(_peek, self.user_id, self.id)
            if kept is None or kept[1] != "draft":
                return False
            await off_loop(_keep_other, self.user_id, self.id)
            self.version = kept[0]
            self._unsaved = dict(self.values)
            self._aside, self._aside_id = {}, None  # the next conflict has its own
            self._show(State("waiting", "Saving…"))
        return await self.flush()

    def close(self) -> None:
        """The page is being left: what becomes of the campaign now is no news to it."""
        self._closed = True

    async def reopen(self) -> None:
        """The page is not left after all."""
        self._closed = False
        await self.look()

    async def look(self) -> None:
        """Notice what other tabs and the worker did to this campaign."""
        async with self._one_save:
            kept = await off_loop(_peek, self.user_id, self.id)
        if self._closed:
            return
        if kept is None or kept[1] != "draft":
            self._show(State("ended", "This campaign is no draft any more." if kept else "This campaign was deleted."))
        elif kept[0] != self.version and self.state.kind not in ("conflict", "ended"):
            self._show(State("conflict", "Changed in another tab"))

    async def _keep_aside(self) -> None:
        """As one version, however often it is: typing on must not push out the older ones."""
        typed = {name: self.values[name] for name in versions.CONTENT}
        if typed != self._aside and versions.CONTENT & self._unsaved.keys():
            self._aside_id = await off_loop(_keep_typed, self.user_id, self.id, typed, self._aside_id)
            self._aside = typed

    def _save_soon(self) -> None:
        background_tasks.create(self.flush(), name="save draft")

    async def _save_once(self) -> bool:
        sent, outcome = dict(self._unsaved), State("failed", "Not saved yet, trying again")
        try:
            self.version, at = await off_loop(_save, self.user_id, self.id, self.version, sent)
            self._unsaved = {name: value for name, value in self._unsaved.items() if sent.get(name, _NEW) != value}
            outcome = State("saved", f"Saved {clock.of_day(at, self._time_zone)}")
        except campaigns.EditedElsewhere:
            outcome = State("conflict", "Changed in another tab")
        except campaigns.NotADraft as error:
            outcome = State("ended", str(error))
        except RuleError as error:
            outcome = State("failed", str(error))
        finally:
            if outcome.words.endswith("trying again"):
                self._timer = asyncio.get_running_loop().call_later(RETRY_AFTER, self._save_soon)
            self._show(outcome)
        return outcome.kind == "saved"

    def _show(self, state: State) -> None:
        self.state = state
        for call in self._on_state:
            call()


_NEW = object()
_open: "weakref.WeakSet[Draft]" = weakref.WeakSet()


def open_drafts(user_id: int) -> set[int]:
    """The drafts of a user that a tab of this process may still show."""
    return {draft.id for draft in list(_open) if draft.user_id == user_id}


async def flush_open(user_id: int, campaign_id: int) -> None:
    """Keep what other tabs still hold, before the draft is read: a reload right after the last key loses nothing."""
    for draft in list(_open):
        if (draft.user_id, draft.id) == (user_id, campaign_id):
            await draft.flush()


def _save(user_id: int, campaign_id: int, version: int, values: dict[str, Any]) -> tuple[int, datetime]:
    with db.session() as session:
        return campaigns.save_draft(session, user_id, campaign_id, version, **values), db.now(session)


def _keep_typed(user_id: int, campaign_id: int, typed: dict[str, str], instead_of: int | None) -> int | None:
    reason = "Typed while another tab changed the draft"
    with db.session() as session:
        return versions.keep_typed(session, user_id, campaign_id, typed, reason, instead_of)


def _keep_other(user_id: int, campaign_id: int) -> None:
    with db.session() as session:
        versions.keep(session, user_id, campaign_id, "Before the version of another tab took its place")


def _peek(user_id: int, campaign_id: int) -> tuple[int, str] | None:
    with db.reading() as session:
        try:
            campaign = campaigns.get(session, user_id, campaign_id)
        except NotFound:
            return None
        return campaign.version, campaign.status
