"""What will happen and what stands in its way: the summary, the forecast and the preflight of step When."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nicegui import background_tasks, ui

from campaign_ui import live
from campaign_ui.charts import say_people
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import long_work
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_findings import FindingList, Shown, Ways
from campaign_ui.parts.compose_forecast import ForecastChart
from campaign_ui.parts.compose_history import keep
from campaign_ui.parts.compose_people import ask_default, show_people
from campaign_ui.parts.compose_survey import SurveyRun
from core import campaigns, clock, db
from core.audience import addresses
from core.campaigns import Finding, Forecast, Level, Outlook
from core.campaigns.preflight import domain, people, reach
from core.content import bodies, foreign, merge
from core.delivery import warmup, windows
from core.errors import NotFound
from core.models import BodyKind, Sender

_TEXTS = ("subject", "preheader", "body")
_OTHERS_EVERY = 5.0  # seconds: other campaigns that are sending change all the time


@dataclass(frozen=True)
class Looked:
    """One look at the draft as it is kept. ``asked``: what to ask DNS; None where nothing leaves this machine.

    ``linked``, ``images``: the web addresses of its body.
    """

    findings: tuple[Finding, ...]
    outlook: Outlook | None
    asked: domain.Asked | None
    linked: tuple[str, ...]
    images: tuple[str, ...]


class Review:
    """``refresh`` reads again; ``plan`` is the moment chosen in When, None for now."""

    def __init__(self, compose: Compose, survey: SurveyRun, chart: ForecastChart) -> None:
        self.compose, self.survey, self.chart = compose, survey, chart
        self.plan: datetime | None = None
        self.looked: Looked | None = None
        self.forecast: Forecast | None = None
        self.of_domain: tuple[domain.Asked | None, tuple[Finding, ...] | None] = (None, None)
        self.of_links: tuple[Any, tuple[Finding, ...] | None] = (None, None)
        self._foreseen: Any = None
        self._reading = asyncio.Lock()  # what is read last is the latest
        with card("What will happen"):
            self.summary = ui.element("dl").classes("compose-facts w-full")
        ways = Ways(compose.go_to, self._who, self._default, self._translate, self._check_links, self._ask_again)
        self.list = FindingList(ways)
        survey.on_progress(self._show_findings)
        live.watch(self._foresee_others, "campaign", every=_OTHERS_EVERY)  # one that begins may share the sender
        self.show()

    @property
    def going_count(self) -> int:
        return self.compose.choices.count.going

    @property
    def errors(self) -> list[Finding]:
        """What makes sending impossible, of the last look."""
        return [each for each in self.looked.findings if each.level == Level.error] if self.looked else []

    @property
    def doubts(self) -> str:
        """A sentence about the warnings, for the last question before it goes."""
        count = sum(each.level == Level.warning for each in self.list.shown.findings)
        return "" if not count else f" Preflight has {'1 warning' if count == 1 else f'{count:,} warnings'}."

    @property
    def serious(self) -> list[str]:
        """Warnings that are said again there."""
        return [each.text for each in self.list.shown.findings if each.level == Level.serious]

    async def refresh(self) -> None:
        """Look at the draft again; whoever is asked outside this machine is asked beside."""
        async with self._reading:
            looked = await off_loop(_look, self.compose.user_id, self.compose.draft.id)
            if looked is None or self.list.box.is_deleted:
                return
            self.looked = looked
        self.survey.begin()
        await self._foresee()
        self.show()
        if looked.asked != self.of_domain[0]:
            self.of_domain = (looked.asked, None)
            background_tasks.create(self._ask_dns(looked.asked), name="ask DNS")

    def show(self) -> None:
        self._show_summary()
        self._show_findings()

    def plan_changed(self, plan: datetime | None) -> None:
        """Another moment, or other hours, on the screen."""
        self.plan = plan
        background_tasks.create(self._foresee(), name="foresee")

    async def _foresee(self) -> None:
        """The forecast of what is on the screen: up to a quarter of a second, so off the loop."""
        outlook, values = self.looked.outlook if self.looked else None, self.compose.draft.values
        if outlook is None or not self.going_count:
            self.forecast = None
        else:
            window, ramp = windows.from_json(values["sending_window"]), warmup.from_json(values["warmup"])
            wanted = (outlook, self.going_count, self.plan, window, ramp)
            if wanted == self._foreseen:
                return
            self._foreseen = wanted
            made = await off_loop(_forecast, *wanted)
            if self._foreseen != wanted or self.list.box.is_deleted:
                return  # something else is wanted by now
            self.forecast = made
        self._show_summary()

    async def _foresee_others(self) -> None:
        if self.looked is None:
            return
        async with self._reading:
            outlook = await off_loop(_outlook, self.compose.user_id, self.compose.draft.id)
            self.looked = replace(self.looked, outlook=outlook)
        if not self.list.box.is_deleted:
            await self._foresee()

    def _show_summary(self) -> None:
        if self.list.box.is_deleted:
            return
        values, sender, count = self.compose.draft.values, self.compose.sender, self.compose.choices.count
        zone = values["time_zone"] if self.plan is not None else self.compose.time_zone
        self.summary.clear()
        with self.summary:
            _fact("Recipients", say_people(count, ""))
            _fact("Subject", self._subject(values["subject"]) or "–")
            _fact("Sender", _sender_words(sender))
            if forecast := self.forecast:
                if self.plan is not None:
                    _fact("Starts", clock.say(self.plan, zone))
                _fact("Takes", str(forecast))
                _fact("Last mail", f"about {clock.say(forecast.finishes_at, zone)}" if forecast.finishes_at else "–")
            if sender is not None and sender.is_sandbox:
                _fact("Sandbox", "Nothing leaves this machine: the mails are shown at Sandbox.")
        self.chart.show(self.forecast, zone)

    def _subject(self, typed: str) -> str:
        """As its first recipient reads it."""
        first = self.compose.choices.example
        if first is None:
            return merge.in_words(typed).strip()
        return merge.render_text(typed, {**first.fields, "email": first.email}).strip()

    def _show_findings(self) -> None:
        if self.list.box.is_deleted:
            return  # the tab was closed while something was awaited
        self.list.show_progress(self.survey.now)
        if self.looked is None:
            return
        web, found = (self.looked.linked, self.looked.images), self.survey.found
        of_links = self.of_links[1] if self.of_links[0] == web else None
        asked, of_domain = self.of_domain
        waits = [*(["recipients"] if found is None or self.survey.is_running else [])]
        waits += ["DNS"] if asked is not None and of_domain is None else []
        of_people = people.findings(found) if found is not None and self.compose.choices.list_ids else []
        all_of_it = (*self.looked.findings, *of_people, *(of_domain or ()), *(of_links or ()))
        shown = Shown(all_of_it, True, len({*web[0], *web[1]}), of_links is not None, asked is not None, tuple(waits))
        self.list.show(shown)

    async def _ask_dns(self, asked: domain.Asked | None) -> None:
        said = await long_work(domain.findings, asked) if asked is not None else []
        if self.of_domain[0] == asked:
            self.of_domain = (asked, tuple(said))
            self._show_findings()

    async def _ask_again(self) -> None:
        asked = self.of_domain[0]
        if asked is None:
            return
        domain.forget(asked)
        self.of_domain = (asked, None)
        self._show_findings()
        await self._ask_dns(asked)

    async def _check_links(self) -> None:
        if self.looked is None:
            return
        linked, images = self.looked.linked, self.looked.images
        told = ui.notification("Checking links…", spinner=True, timeout=None)
        loop, total = asyncio.get_running_loop(), len({*linked, *images})
        try:
            found = await long_work(
                reach.look, [*linked, *images], lambda done: loop.call_soon_threadsafe(_say_done, told, done, total)
            )
        finally:
            told.dismiss()
        self.of_links = ((linked, images), tuple(reach.findings(linked, images, found)))
        self._show_findings()

    async def _who(self, finding: Finding) -> None:
        if self.survey.found is not None:
            await show_people(finding, self.survey.found.named(finding.people))

    async def _default(self, finding: Finding) -> None:
        found = self.survey.found
        if found is not None:
            await ask_default(
                finding.gap, found.named(f"gap:{finding.gap}").count, lambda word: self._use(finding, word)
            )

    async def _use(self, finding: Finding, word: str) -> None:
        draft = self.compose.draft
        values, is_html = draft.values, draft.values["body_kind"] != BodyKind.markdown
        changed = {
            "subject": merge.with_default(values["subject"], finding.gap, word, in_html=False),
            "preheader": merge.with_default(values["preheader"], finding.gap, word, in_html=False),
            "body": merge.with_default(values["body"], finding.gap, word, is_html),
        }
        draft.change(**changed)
        if await draft.flush():
            ui.navigate.reload()  # the editor of step Content shows it too

    async def _translate(self) -> None:
        draft, names = self.compose.draft, self.compose.fields.names
        await draft.flush()
        await keep(draft.user_id, draft.id, "Before its merge tags were translated")
        made = self.compose.content()
        became = await off_loop(foreign.translated, made, names)
        if made != self.compose.content():
            return  # typed on while that was awaited
        before, after = ({name: getattr(each, name) for name in _TEXTS} for each in (made, became))
        draft.change(**after)
        self.compose.go_to("content", "said", "")
        some_stay = any(foreign.are_in(text) for text in after.values())
        words = "The merge tags are merge fields now"
        words += ", but for those that are nothing here: Preflight says what to do." if some_stay else "."
        self.compose.say_with_undo(words, before)


def _say_done(told: ui.notification, done: int, total: int) -> None:
    if not told.is_deleted:
        told.message = f"Checking links: {done:,} of {total:,}"


def _fact(name: str, value: str) -> None:
    with ui.element("dt"):
        ui.label(name)
    with ui.element("dd"):
        ui.label(value)


def _sender_words(sender: Sender | None) -> str:
    if sender is None:
        return "–"
    return f"{sender.name}, {addresses.shown(sender.from_address)}"


def _forecast(outlook: Outlook, count: int, begins: datetime | None, window: Any, ramp: Any) -> Forecast:
    return outlook.forecast(count, begins, window=window, ramp=ramp)


def _look(user_id: int, campaign_id: int) -> Looked | None:
    with db.reading() as session:
        try:
            found = tuple(campaigns.findings(session, user_id, campaign_id))
            outlook = campaigns.outlook(session, user_id, campaign_id)
            asked = campaigns.asked_of_dns(session, user_id, campaign_id)
            campaign = campaigns.get(session, user_id, campaign_id)
        except NotFound:
            return None
    linked, images = reach.addresses(bodies.words(campaign.body, campaign.body_kind))
    return Looked(found, outlook, asked, tuple(linked), tuple(images))


def _outlook(user_id: int, campaign_id: int) -> Outlook | None:
    with db.reading() as session:
        try:
            return campaigns.outlook(session, user_id, campaign_id)
        except NotFound:
            return None
