"""The way of a newcomer on the dashboard: sender, contacts, first campaign. Each step ticks itself."""

from nicegui import ui

from campaign_ui import auth, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.acts import act
from campaign_ui.parts.blocks import card, link_button
from campaign_ui.parts.markup import Html, fill
from campaign_ui.parts.try_it import remove_samples, try_it_button
from core import db
from core.campaigns import first_steps
from core.campaigns.first_steps import Steps

_STEPS = (
    ("sender", "Add a sender", "Your own mail account, with the limits of its provider filled in.", "/senders"),
    ("contacts", "Bring your contacts", "Upload a spreadsheet, or paste addresses.", "/audience"),
    ("campaign", "Send your first campaign", "Write it, see it as any recipient, choose when.", "/campaigns/new"),
)
_TOPICS = ("sender", "audience", "campaign", "first_steps")


async def add_first_steps() -> None:
    """Nothing for somebody who did it all, or did not want to be shown it."""
    user_id = auth.current().id
    steps = await off_loop(_load, user_id)
    if steps.is_closed:
        return
    if steps.all_done:
        await off_loop(_close, user_id)
    else:
        shown = _FirstSteps(user_id)
        for topic in _TOPICS:
            live.watch(shown.reload, topic)
        shown.show(steps)


def _load(user_id: int) -> Steps:
    with db.reading() as session:
        return first_steps.steps(session, user_id)


def _close(user_id: int) -> None:
    with db.session() as session:
        first_steps.close(session, user_id)


class _FirstSteps:
    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.ticks: dict[str, _Step] = {}
        with card().classes("p-0 gap-0 overflow-hidden").props("role=region") as self.box:
            self.box.props["aria-label"] = "First steps"
            with ui.element("div").classes("grid grid-cols-1 lg:grid-cols-[minmax(0,1fr)_340px] w-full"):
                with ui.column().classes("p-5 gap-4 min-w-0"):
                    self._head()
                    with ui.element("ol").classes("w-full m-0 p-0 list-none flex flex-col gap-1"):
                        for key, title, text, href in _STEPS:
                            self.ticks[key] = _Step(title, text, href)
                self._try()

    def _head(self) -> None:
        with ui.row().classes("w-full items-start justify-between flex-nowrap gap-3"):
            with ui.column().classes("gap-0.5 min-w-0"):
                title = ui.label("Your first campaign in three steps").classes("font-semibold text-[17px]")
                title.classes("tracking-tight").props("role=heading aria-level=2")
                self.count = ui.label().classes("text-[13px] cm-mute tabular-nums").props("role=status")
            hide = ui.button(icon="close", on_click=self._dismiss).props("flat round dense color=grey-7")
            hide.props["aria-label"] = "Hide the first steps"
            hide.tooltip("Hide")

    def _try(self) -> None:
        with ui.column().classes("p-5 gap-2 min-w-0 justify-center").style("background:var(--cm-sunken)"):
            with ui.element("div").classes("cm-tile is-brand mb-1"):
                ui.icon("science")
            ui.label("No account at hand?").classes("font-semibold text-[15px]").props("role=heading aria-level=3")
            self.offer = ui.label().classes("text-[13px] cm-mute")
            with ui.row().classes("items-center gap-2 mt-2"):
                self.begin = try_it_button(self.user_id)
                self.open = link_button("Open it", "", icon="insights")
                self.mails = link_button("See the mails", "/sandbox", look="outline")
            self.remove = ui.button("Remove samples", color=None, on_click=lambda: remove_samples(self.user_id))
            self.remove.props("flat dense").classes("cm-mute -ml-2")

    async def reload(self) -> None:
        steps = await live.read("first_steps", _load, self.user_id)
        if steps is not None:
            self.show(steps)

    def show(self, steps: Steps) -> None:
        self.box.set_visibility(not steps.is_closed)
        if steps.is_closed:
            return
        for key, step in self.ticks.items():
            step.tick(getattr(steps, key))
        self.count.set_text("All three are done." if steps.all_done else f"{steps.done_count} of 3 done")
        there, campaign_id = steps.samples.is_there, steps.samples.campaign_id
        self.offer.set_text(_TRIED if campaign_id else _OFFER)
        self.begin.set_visibility(not campaign_id)
        self.open.props["href"] = f"/campaigns/{campaign_id}"
        self.open.update()
        for element in (self.open, self.mails):
            element.set_visibility(bool(campaign_id))
        self.remove.set_visibility(there)

    async def _dismiss(self) -> None:
        self.box.set_visibility(False)
        await act(first_steps.close, self.user_id, done="Hidden for good. Senders, Audience and Campaigns stay.")


class _Step:
    """One step, which can be ticked."""

    def __init__(self, title: str, text: str, href: str) -> None:
        with ui.element("li").classes("cm-step"):
            with ui.element("div").classes("cm-tile is-quiet") as self.tile:
                self.icon = ui.icon("radio_button_unchecked")
            self.words, self.title, self.text = Html(fill("")).classes("min-w-0 grow"), title, text
            self.link = link_button("Begin", href, look="outline dense")
            self.link.props["aria-label"] = f"Begin: {title}"
        self.done: bool | None = None

    def tick(self, done: bool) -> None:
        if done is not self.done:
            self.done = done
            self.icon.set_name("check" if done else "radio_button_unchecked")
            self.tile.classes(replace=f"cm-tile is-{'sent' if done else 'quiet'}")
            self.words.set(fill(_WORDS, self.title, self.text, "Done." if done else "To do."))
            self.link.set_visibility(not done)


_WORDS = """
<div class="text-sm font-semibold">{}</div><div class="text-[13px] cm-mute">{}</div><div class="sr-only">{}</div>
"""
_OFFER = (
    "See the whole job with sample contacts and the sandbox: live numbers, opens, and every mail as it was received."
)
_TRIED = "Your sample campaign is here: watch it, and read its mails in the sandbox as the recipients would."
