"""Whose mail is shown: the next or previous of the real audience, or whoever is looked for by address."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nicegui import events, ui

from campaign_ui.off_loop import off_loop
from core import db
from core.audience import addresses, contacts, people
from core.audience.people import Person

Audience = tuple[Sequence[int], Sequence[int]]  # the lists chosen, and those left out
# The field tells what was typed after its debounce, or at once when it changed: then Enter follows, and nothing older.
_SAY_TYPED = """(event) => {
  const typed = event.target.value;
  event.target.dispatchEvent(new Event("change"));
  setTimeout(() => emit(typed));
}"""


class RecipientChooser:
    """``choose`` hears a person found, ``step`` -1 or 1."""

    def __init__(
        self,
        user_id: int,
        audience: Callable[[], Audience],
        choose: Callable[[Person], Awaitable[None]],
        step: Callable[[int], Awaitable[None]],
    ) -> None:
        self.user_id, self.audience, self.choose = user_id, audience, choose
        self.shown = ""
        with ui.row().classes("cm-chooser w-full items-center gap-1 flex-nowrap"):
            self._arrow("chevron_left", "Previous recipient", partial(step, -1))
            self.field = ui.input(placeholder="Name or address", on_change=self._typed).props(
                'aria-label="Recipient" debounce=200 hide-bottom-space'
            )
            self.field.classes("grow min-w-0").on("keydown.escape", self._leave)
            self.field.on("keydown.enter", self._first, js_handler=_SAY_TYPED)
            self._arrow("chevron_right", "Next recipient", partial(step, 1))
            self.list = ui.column().classes("cm-found gap-0").props('role=group aria-label="Recipients found"')
        self.list.set_visibility(False)

    def _arrow(self, icon: str, words: str, call: Callable[[], Awaitable[None]]) -> None:
        button = ui.button(icon=icon, on_click=call).props("flat round dense color=grey-7")
        button.props["aria-label"] = words

    def show(self, email: str, is_example: bool = False) -> None:
        """Whose mail it is now; an example stands in while there is no audience."""
        self.shown = addresses.shown(email)
        if is_example:
            self.field.props["hint"] = "An example: no list is chosen yet"
        else:
            self.field.props.pop("hint", None)
        self._leave()

    def _leave(self) -> None:
        self.list.set_visibility(False)
        self.field.set_value(self.shown)

    async def _typed(self, event: events.ValueChangeEventArguments[str | None]) -> None:
        typed = (event.value or "").strip()
        if typed == self.shown:
            return
        found = await off_loop(_find, self.user_id, self.audience(), typed) if typed else []
        if self.list.is_deleted or typed != (self.field.value or "").strip():
            return  # typed on meanwhile
        self.list.clear()
        self.list.set_visibility(bool(typed))
        with self.list:
            for person in found:
                button = ui.button(addresses.shown(person.email), on_click=partial(self._pick, person))
                button.props("flat dense align=left color=grey-7").classes("w-full")
            if typed and not found:
                ui.label("Nobody of the audience is found.").classes("text-[13px] cm-mute px-3 py-2")

    async def _first(self, event: events.GenericEventArguments) -> None:
        typed = str(event.args or "").strip()
        found = await off_loop(_find, self.user_id, self.audience(), typed) if typed not in ("", self.shown) else []
        if found and not self.list.is_deleted:
            await self._pick(found[0])

    async def _pick(self, person: Person) -> None:
        self.show(person.email)
        await self.choose(person)


async def beside(user_id: int, audience: Audience, person: Person | None, by: int) -> Person | None:
    """The next (1) or previous (-1) of the audience; past the end it begins anew."""
    return await off_loop(_beside, user_id, audience, person.id if person is not None else 0, by)


def _beside(user_id: int, audience: Audience, here: int, by: int) -> Person | None:
    list_ids, left_out = audience
    with db.reading() as session:
        if by > 0:
            found = contacts.sample(session, user_id, list_ids, after_id=here, left_out=left_out)
            found = found or contacts.sample(session, user_id, list_ids, left_out=left_out)
        else:
            found = contacts.sample(session, user_id, list_ids, before_id=here, left_out=left_out)
        return Person(found.id or 0, found.email, found.fields, False) if found is not None else None


def _find(user_id: int, audience: Audience, search: str) -> list[Person]:
    with db.reading() as session:
        return people.find(session, user_id, audience[0], search, 8, audience[1])
