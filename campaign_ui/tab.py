"""What a browser's tab says of itself: progress in its title and icon, a notification when a campaign is over."""

import json

from nicegui import ui

from campaign_ui import live
from core import db, stats
from core.stats import Ended, Outgoing


class Tab:
    """Told by live hints; speaks to the browser only when what it would say is something else."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.client = ui.context.client
        self.said: tuple[str, int] = ("", 0)
        self.running: set[int] = set()

    async def refresh(self) -> Outgoing | None:
        """Read what goes out and show it; None where the tab is gone."""
        outgoing: Outgoing | None = await live.read("outgoing", _outgoing, self.user_id)
        if outgoing is not None:
            await self._show(outgoing)
        return outgoing

    async def _show(self, outgoing: Outgoing) -> None:
        if (said := in_title(outgoing)) != self.said:
            self.said = said
            self._run(f"cmTab.progress({json.dumps(said[0])}, {said[1]})")
        now = {each.id for each in outgoing.going}
        gone, self.running = self.running - now, now
        if gone:
            for each in await live.read(("ended", *sorted(gone)), _ended, self.user_id, gone) or ():
                title, body = in_notification(each)
                words = ", ".join(json.dumps(one) for one in (title, body, f"campaign-{each.id}"))
                self._run(f"cmTab.notices.show({words}, '/campaigns/{each.id}')")

    def _run(self, script: str) -> None:
        if not self.client.is_deleted:
            self.client.run_javascript(script)


def watch_connection() -> None:
    """Give back what was typed while the server was away, once this page lives."""
    client = ui.context.client
    client.on_connect(lambda: client.run_javascript("cmTab.connected()"))


def in_title(outgoing: Outgoing) -> tuple[str, int]:
    """``42 % · November newsletter`` and 42; of several campaigns together their mails count. What stopped comes first,
    with -1, then what can be resumed, with -2. Empty where nothing of all is."""
    if said := say_stopped(outgoing):
        return said, -1 if outgoing.stopped else -2
    going = [each for each in outgoing.going if not each.waits]
    if not going:
        return "", 0
    whole = sum(each.recipients for each in going)
    percent = int(100 * sum(each.done for each in going) / whole) if whole else 0
    return f"{percent} % · {going[0].title if len(going) == 1 else f'{len(going)} campaigns'}", percent


def say_stopped(outgoing: Outgoing) -> str:
    """``Stopped: November newsletter`` or ``2 campaigns stopped``; where none is, what can be resumed; else empty."""
    if len(found := outgoing.stopped or outgoing.mended) == 1:
        return f"{'Stopped' if outgoing.stopped else 'Ready to resume'}: {found[0].title}"
    return f"{len(found):,} campaigns {'stopped' if outgoing.stopped else 'are ready to resume'}" if found else ""


def in_notification(each: Ended) -> tuple[str, str]:
    """Heading and sentence."""
    if each.status == "paused":
        return f"{each.title} is paused", "It needs you: open it to see why."
    if not each.sent and not each.in_doubt:
        why = "Open it to see why."
        return f"{each.title} reached nobody", f"{each.failed:,} failed. {why}" if each.failed else why
    failed = f", {each.failed:,} failed" if each.failed else ""
    return f"{each.title} is sent", f"{each.sent:,} sent{failed}."


def _outgoing(user_id: int) -> Outgoing:
    with db.reading() as session:
        return stats.outgoing(session, user_id)


def _ended(user_id: int, ids: set[int]) -> list[Ended]:
    with db.reading() as session:
        return stats.ended(session, user_id, ids)
