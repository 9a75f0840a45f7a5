"""A list of a campaign's recipients by what became of them, and a copy of the campaign to who did not open it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from nicegui import ui
from sqlalchemy.exc import SQLAlchemyError

from campaign_ui import uncounted
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act, long_work
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.blocks import link_button
from campaign_ui.parts.duplicate import draft_href, open_draft
from campaign_ui.parts.links import readable
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.work import show_work
from core import db, stats
from core.audience import contacts
from core.campaigns import gather
from core.campaigns.gather import Gathered, Who
from core.errors import RuleError
from core.models import Campaign
from core.stats import Link, Summary

MAKE_LIST = "Make a list"
SEND_AGAIN = "Send to those who did not open"
_GROUPS = {
    Who.sent: "Got it",
    Who.opened: "Opened",
    Who.not_opened: "Did not open",
    Who.clicked: "Clicked",
    Who.not_clicked: "Did not click",
    Who.link: "Followed one link",
    Who.failed: "Failed",
}
_CLICKS = (Who.clicked, Who.not_clicked, Who.link)
_KNOWN_ANYWAY = (Who.sent, Who.failed)
_ESTIMATE = "Opens are an estimate: some mail programs load the pictures of every mail by themselves, others load none."
_REACHED = "Who bounced, complained or unsubscribed is not among them."
_NOTES = {
    Who.opened: _ESTIMATE,
    Who.not_opened: f"{_REACHED} {_ESTIMATE}",
    Who.not_clicked: _REACHED,
    Who.failed: "Dead addresses among them are suppressed: they get nothing, whatever list they are on.",
}
_NO_LINKS = "Its mail has no links that are counted: who clicked is not known."
_AS_NOW = "The list is of these people as they are now, and does not change later."
_COPY = (
    "They become a list, and a copy of this campaign becomes a draft to that list: change its subject, then send it. "
    "Nothing is sent by this."
)
_LONGEST = 200


@dataclass(frozen=True)
class _Found:
    """``numbers``: of the groups that can be known and have somebody; ``unknown``: why others are not among them."""

    campaign: Summary
    numbers: dict[Who, int]
    links: dict[str, Link]
    unknown: str


async def ask_list(user_id: int, campaign_id: int, place: ui.element, again: bool = False) -> None:
    """The dialog, in ``place``, until it is closed; ``again``: for a copy to who did not open it."""
    try:
        found = await long_work(_read, user_id, campaign_id)
    except RuleError as error:
        return notify_error(str(error))
    if again and Who.not_opened not in found.numbers:
        return notify_error(f"Nobody is left who did not open it. {found.unknown or _REACHED}")
    if not place.is_deleted:
        with place:
            await _Dialog(user_id, found, again).ask()


@dataclass
class _Dialog:
    """Who and under what name, the work, then what became of it; with ``again`` a draft opens instead.

    Closed meanwhile, the work goes on and a toast tells of its end.
    """

    user_id: int
    found: _Found
    again: bool
    begun: dict[tuple[Who, str, str], tuple[int, str]] = field(default_factory=dict)  # lists that are not filled yet

    async def ask(self) -> None:
        title = SEND_AGAIN if self.again else MAKE_LIST
        self.client = ui.context.client
        with ui.dialog() as self.dialog, ui.card().classes("w-[560px] max-w-full p-6 gap-4 items-stretch"):
            self.dialog.props["aria-label"] = title
            dialog_title(title)
            with ui.column().classes("w-full gap-4 items-stretch") as self.form:
                self._form()
            self.result = ui.column().classes("w-full gap-3 items-stretch empty:hidden").props("role=status")
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Close", on_click=self.dialog.close).props("flat color=grey-7")
                self.press = ui.button("Make the draft" if self.again else "Make the list", on_click=self._make)
        self.press.set_visibility(bool(self.found.numbers))
        await answer(self.dialog)

    def _form(self) -> None:
        numbers, links = self.found.numbers, self.found.links
        if not numbers:
            notice("There is nobody to put on a list yet.", "info")
            return
        options = {who.value: f"{_GROUPS[who]} ({count:,})" for who, count in numbers.items()}
        self.who = Who.not_opened if Who.not_opened in numbers else next(iter(numbers))
        if self.again:
            ui.label(_COPY).classes("text-sm")
            ui.label(options[self.who.value]).classes("text-sm font-medium tabular-nums")
        else:
            who = ui.radio(options, value=self.who.value, on_change=lambda event: self._choose(Who(event.value)))
            who.classes("tabular-nums").props["aria-label"] = "Who"
        urls = {url: f"{readable(url)} ({link.people:,})" for url, link in links.items()}
        self.url = ui.select(urls, label="Link", value=next(iter(urls), None)).classes("w-full")
        self.url.props('popup-content-style="overflow-wrap:anywhere"')
        self.note = ui.label().classes("text-[13px] cm-mute")
        self.name = ui.input("List name").props(f"maxlength={_LONGEST}").classes("w-full")
        self.name.on("keydown.enter", self._make)
        ui.label(_AS_NOW).classes("text-[13px] cm-mute -mt-2")
        if self.found.unknown and not self.again:
            notice(self.found.unknown, "info", "visibility_off")
        self.prefilled = ""
        self._choose(self.who)

    def _choose(self, who: Who) -> None:
        """The name follows until something is typed."""
        self.who = who
        self.url.set_visibility(who == Who.link)
        self.note.set_text(_NOTES.get(who, ""))
        self.note.set_visibility(who in _NOTES)
        if (self.name.value or "") == self.prefilled:
            self.prefilled = f"{_GROUPS[who]}: {self.found.campaign.title}"[:_LONGEST]
            self.name.set_value(self.prefilled)

    async def _make(self) -> None:
        if not self.press.enabled:
            return  # Enter while it works
        url = self.url.value or "" if self.who == Who.link else ""
        choice = (self.who, url, self.name.value or "")
        self._working(True)
        told, wrong = self._show_work(), ""
        try:
            list_id, name = self.begun.get(choice) or await self._begin(choice)
            made = await long_work(self._fill, list_id, choice, told)
        except RuleError as error:
            wrong = str(error)
            self.begun.pop(choice, None)
        except (SQLAlchemyError, OSError):
            wrong = "This could not be finished. Who is on the list stays there: try again, and the rest is added."
        finally:
            self._working(False)
        if self.client.is_deleted:
            return  # the page was left; the list is there
        with self.client:
            await (self._failed(wrong) if wrong else self._done(list_id, name, made))

    async def _begin(self, choice: tuple[Who, str, str]) -> tuple[int, str]:
        self.begun[choice] = await off_loop(_begin, self.user_id, self.found.campaign.id, choice[2])
        return self.begun[choice]

    def _fill(self, list_id: int, choice: tuple[Who, str, str], told: Callable[[int], None]) -> Gathered:
        who, url, _ = choice
        return gather.fill(self.user_id, self.found.campaign.id, list_id, who, url, told)

    def _working(self, is_working: bool) -> None:
        if not self.dialog.is_deleted:
            self.press.set_enabled(not is_working)
            self.press.props(add="loading" if is_working else "", remove="" if is_working else "loading")
            self.form.set_visibility(not is_working)
            self.result.clear()

    def _show_work(self) -> Callable[[int], None]:
        """Returns how to tell from any thread how many recipients were looked at."""
        total = max(1, self.found.campaign.counts.recipients)
        with self.result:
            told = show_work("Making the list. It goes on when this is closed.", bar=True)
        return lambda seen: told(f"{seen:,} of {total:,}", min(1.0, seen / total))

    async def _failed(self, sentence: str) -> None:
        if self.dialog.is_deleted:
            return notify_error(sentence)
        with self.result:
            notice(sentence, "failed", "error")

    async def _done(self, list_id: int, name: str, made: Gathered) -> None:
        words = say_made(name, made)
        if self.again and made.people:
            return await self._copy(list_id, words, made.gone)
        if self.dialog.is_deleted:
            return notify_done(words, href=_list_href(list_id))
        with self._told(words):
            link_button("Open the list", _list_href(list_id), "group", "outline")
            if made.people:
                ui.button("New campaign to them", icon="edit", on_click=lambda: self._draft(list_id))

    async def _draft(self, list_id: int) -> None:
        await act(gather.draft_to, self.user_id, list_id, then=open_draft)

    async def _copy(self, list_id: int, words: str, gone: int) -> None:
        """Opened at once, where nobody is missing."""
        copy = partial(act, gather.copy_to, self.user_id, self.found.campaign.id, list_id)
        if self.dialog.is_deleted:
            await copy(done=f"{words} The draft to them is made.", href=draft_href)
        else:
            await copy(then=partial(self._show_draft, words) if gone else open_draft)

    def _show_draft(self, words: str, draft: Campaign) -> None:
        with self._told(words):
            link_button("Open the draft", draft_href(draft), "edit")

    def _told(self, words: str) -> ui.row:
        """The sentence instead of the form; what is put inside stands below it."""
        self.form.set_visibility(False)
        self.press.set_visibility(False)
        with self.result:
            ui.label(words).classes("text-sm font-medium tabular-nums").style("overflow-wrap:anywhere")
            return ui.row().classes("gap-2")


def say_made(name: str, made: Gathered) -> str:
    """``1,204 people are on the list “Opened: News”. 3 are not: no contact has their address any more.``"""
    are = f"{made.people:,} people are" if made.people != 1 else "1 person is"
    words = f"{are} on the list “{name}”."
    if made.gone:
        words += f" {made.gone:,} {'is' if made.gone == 1 else 'are'} not: no contact has their address any more."
    return words


def _list_href(list_id: int) -> str:
    return f"/audience?list={list_id}"


def _begin(user_id: int, campaign_id: int, name: str) -> tuple[int, str]:
    with db.session() as session:
        list_id = gather.begin(session, user_id, campaign_id, name)
        return list_id, contacts.get_list(session, user_id, list_id).name


def _read(user_id: int, campaign_id: int) -> _Found:
    with db.reading() as session:
        campaign = stats.summary(session, user_id, campaign_id)
        links = stats.links(session, user_id, campaign_id)
        counts = gather.counts(session, user_id, campaign_id)
    followed = {link.url: link for link in links if link.people}
    counts[Who.link] = len(followed)
    known = set(Who) if links else set(Who) - set(_CLICKS)
    unknown = "" if links else _NO_LINKS
    if not campaign.is_counted:
        known, unknown = set(_KNOWN_ANYWAY), uncounted.why()
    return _Found(campaign, {who: counts[who] for who in Who if who in known and counts[who]}, followed, unknown)
