"""A few of those who get the mail, or whoever is looked for by address."""

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.blocks import card
from campaign_ui.parts.compose_data import Compose
from core import db
from core.audience import addresses, people
from core.audience.people import Person

_MOST = 7


class Sample:
    """Follows the chosen lists."""

    def __init__(self, compose: Compose) -> None:
        self.compose = compose
        self.search = ""
        with card("Who gets it") as self.box:
            field = ui.input(placeholder="Name, address or @domain", on_change=self._typed)
            field.props('clearable debounce=200 aria-label="Search recipients"').classes("w-full")
            self.rows = ui.column().classes("w-full gap-0")
        self.box.set_visibility(False)

    async def refresh(self) -> None:
        wanted = (*self.compose.audience, self.search)
        lists, _, _ = wanted
        found = await off_loop(_find, self.compose.user_id, *wanted)
        if self.rows.is_deleted or wanted != (*self.compose.audience, self.search):
            return  # something else is wanted by now
        self.box.set_visibility(bool(lists))
        self.rows.clear()
        with self.rows:
            for person in found:
                self._row(person)
            if not found:
                nobody = "Nobody of these lists is found." if self.search else "These lists are empty."
                ui.label(nobody).classes("text-sm cm-mute")

    def _row(self, person: Person) -> None:
        with ui.row().classes("compose-row w-full items-center justify-between gap-2 flex-nowrap min-h-[40px]"):
            with ui.column().classes("gap-0 min-w-0"):
                ui.label(addresses.shown(person.email)).classes("text-[13px] font-medium truncate w-full")
                values = [str(value) for value in person.fields.values() if str(value).strip()]
                if values:
                    ui.label(", ".join(values)[:80]).classes("text-xs cm-mute truncate w-full")
            if person.is_suppressed:
                ui.label("Suppressed").classes("cm-badge is-quiet")

    async def _typed(self, event: object) -> None:
        self.search = (getattr(event, "value", "") or "").strip()
        await self.refresh()


def _find(user_id: int, list_ids: list[int], left_out: list[int], search: str) -> list[Person]:
    with db.reading() as session:
        if search:
            return people.find(session, user_id, list_ids, search, _MOST, left_out)
        return people.walk(session, user_id, list_ids, limit=_MOST, left_out=left_out)
