"""The recipient ledger of one campaign: search, states, pages; always as the database has it now."""

import json
from dataclasses import dataclass, replace
from typing import Any

from nicegui import ui

from campaign_ui import live
from campaign_ui.charts import STATES
from campaign_ui.off_loop import off_loop
from campaign_ui.parts.address import address, on_back, page_number, say
from campaign_ui.parts.ask import is_open
from campaign_ui.parts.badge import STATE_TONES
from campaign_ui.parts.chips import Chips
from campaign_ui.parts.timeline import read_timeline, show_timeline
from core import clock, db, stats
from core.audience import addresses
from core.delivery import replies
from core.models import MessageState
from core.stats import Counts, LedgerPage, LedgerRow

_WIDE = "max-lg:hidden"  # Quasar's own "hidden" would win over lg:table-cell
_COLUMNS: list[dict[str, Any]] = [
    {"name": "email", "label": "Address", "field": "email", "align": "left"},
    {"name": "state", "label": "State", "field": "state", "align": "left"},
    {"name": "reason", "label": "Reason", "field": "reason", "align": "left", "classes": _WIDE, "headerClasses": _WIDE},
    {
        "name": "attempts",
        "label": "Attempts",
        "field": "attempts",
        "align": "right",
        "classes": _WIDE,
        "headerClasses": _WIDE,
    },
    {
        "name": "sent_at",
        "label": "Sent",
        "field": "sent_at",
        "align": "right",
        "classes": _WIDE,
        "headerClasses": _WIDE,
    },
    {
        "name": "opened_at",
        "label": "Opened",
        "field": "opened_at",
        "align": "right",
        "classes": _WIDE,
        "headerClasses": _WIDE,
    },
]
_EMAIL = """
<q-td :props="props" class="max-lg:w-full lg:min-w-[230px]" style="white-space:normal;overflow-wrap:anywhere">
  <button type="button" class="cm-open" aria-haspopup="dialog"
    @click.stop="() => $parent.$emit('open', props.row.id)">{{ props.row.email }}</button>
  <div class="lg:hidden text-xs cm-mute mt-1" v-if="props.row.reason">{{ props.row.reason }}</div>
  <div class="lg:hidden cm-words cm-mute mt-1" v-if="props.row.reply">{{ props.row.reply }}</div>
  <div class="lg:hidden text-xs cm-mute mt-1" v-if="props.row.opened_at !== '–'">Opened {{ props.row.opened_at }}</div>
  <div class="lg:hidden text-xs cm-mute" v-if="props.row.clicked_at !== '–'">Clicked {{ props.row.clicked_at }}</div>
</q-td>
"""
_STATE = """
<q-td :props="props"><span class="cm-badge" :class="'is-' + props.row.tone">{{ props.row.state }}</span></q-td>
"""
_REASON = """
<q-td :props="props" style="white-space:normal;min-width:220px;max-width:420px">
  <div>{{ props.row.reason }}</div>
  <div class="cm-words cm-mute" v-if="props.row.reply">{{ props.row.reply }}</div>
</q-td>
"""


_OPENED = """
<q-td :props="props">
  <div>{{ props.row.opened_at }}</div>
  <div class="text-xs cm-mute" v-if="props.row.clicked_at !== '–'">clicked {{ props.row.clicked_at }}</div>
</q-td>
"""


@dataclass(frozen=True)
class LedgerView:
    """What of the ledger is shown, by the names of its address: ``at`` is a page's cursor, ``row`` its first row."""

    state: str = ""
    q: str = ""
    at: str = ""
    row: int = 1


def ledger_view(state: str = "", q: str = "", at: str = "", row: str = "", **_: str) -> LedgerView:
    """From an address, which anybody can type: what is no state or no cursor is as if it was not there."""
    view = LedgerView(state if state in dict(_chips()) else "", q[:200], at[:400], page_number(row))
    return view if _is_cursor(at, q.strip()) else replace(view, at="", row=1)


def _is_cursor(at: str, q: str) -> bool:
    """Whether it is one of the order that a search for ``q`` has (core.stats.pages)."""
    if at == "<":
        return True
    try:
        values = json.loads(at[1:]) if at[:1] in ("<", ">") else None
    except ValueError:
        return False
    kinds = ([str], [str, int])[q.startswith("@") :] if q else ([int],)
    if not isinstance(values, list) or [type(value) for value in values] not in kinds:
        return False
    return all(value.isprintable() if isinstance(value, str) else 0 <= value < 1 << 63 for value in values)


class Ledger:
    """``refresh`` reads the page that is shown again; ``set_counts`` tells the numbers on the state buttons."""

    def __init__(
        self, user_id: int, campaign_id: int, zone: str, counts: Counts, page: LedgerPage, view: LedgerView
    ) -> None:
        self._user_id, self._campaign_id, self._zone = user_id, campaign_id, zone
        self._state, self._search, self._cursor, self._first = view.state, view.q, view.at, view.row
        self._asked, self._is_opening = 0, False
        self._counts: Counts | None = None
        with ui.row().classes("w-full items-center gap-2 justify-between") as self._choice:
            self._chips = Chips("State", dict(_chips()), self._state, self._choose)
            words = ui.input(
                "Search", placeholder="Address: anna or @example.com", value=view.q, on_change=self._on_search
            )
            self._input = words.props("clearable debounce=300 inputmode=email autocomplete=off").classes(
                "w-full sm:w-64"
            )
        self._table = ui.table(columns=_COLUMNS, rows=[], row_key="id", pagination=0).props("flat hide-bottom")
        self._table.classes("w-full")
        for column, template in (("email", _EMAIL), ("state", _STATE), ("reason", _REASON), ("opened_at", _OPENED)):
            self._table.add_slot(f"body-cell-{column}", template)
        self._table.on("open", lambda event: self._open(event.args))
        self._table.on("row-click", lambda event: self._open(event.args[1]["id"]), [[], ["id"], None])
        self._nobody = ui.label().classes("text-sm cm-mute py-8 text-center w-full")
        with ui.row().classes("w-full items-center justify-between gap-2") as self._pages:
            self._words = ui.label().classes("text-[13px] cm-mute tabular-nums").props("role=status")
            with ui.row().classes("gap-1"):
                self._to_first = self._pager("first_page", "First page")
                self._to_previous = self._pager("chevron_left", "Previous page")
                self._to_next = self._pager("chevron_right", "Next page")
                self._to_last = self._pager("last_page", "Last page")
        self.set_counts(counts)
        self._show(page)
        self._to_first.on_click(lambda: self._go("", 1))
        self._to_previous.on_click(lambda: self._go(self._page.previous or "", self._first - PAGE))
        self._to_next.on_click(lambda: self._go(self._page.next or "", self._first + PAGE))
        self._to_last.on_click(lambda: self._go("<", max(1, self._page.total - PAGE + 1)))
        on_back(self._go_to)

    def set_counts(self, counts: Counts) -> None:
        if counts == self._counts:
            return
        self._counts = counts
        for controls in (self._choice, self._pages):
            controls.set_visibility(counts.recipients > 0)
        numbers = {state: counts.in_state(state) for state, _ in _chips()}
        self._chips.show(numbers, always=("", "pending", "sent", "failed"))

    async def refresh(self) -> None:
        key = ("ledger", self._campaign_id, self._state, self._search, self._cursor)
        await self._load(live.read(key, self._read, self._state, self._search, self._cursor))

    async def _open(self, message_id: Any) -> None:
        if self._is_opening or is_open() or not isinstance(message_id, int):
            return  # pressed twice
        self._is_opening = True
        try:
            told = await read_timeline(self._user_id, self._campaign_id, message_id)
        finally:
            self._is_opening = False
        if told is not None:
            await show_timeline(self._user_id, self._campaign_id, message_id, told, self._zone)

    def _pager(self, icon: str, label: str) -> ui.button:
        return ui.button(icon=icon).props(f'flat round dense color=grey-7 aria-label="{label}"')

    async def _choose(self, state: str) -> None:
        self._state = state
        await self._go("", 1)

    async def _on_search(self, event: Any) -> None:
        if (words := event.value or "") != self._search:  # else its user went back to it
            self._search = words
            await self._go("", 1, is_typed=True)

    async def _go(self, cursor: str, first: int, is_typed: bool = False) -> None:
        self._cursor, self._first = cursor, max(1, first)
        view = LedgerView(self._state, self._search, self._cursor, self._first)
        say(address(f"/campaigns/{self._campaign_id}", view, LedgerView()), is_typed=is_typed)
        await self._load(off_loop(self._read, self._state, self._search, self._cursor))

    async def _go_to(self, asked: dict[str, str]) -> None:
        """Show what an address asks for."""
        view = ledger_view(**asked)
        self._state = view.state
        self._chips.press(view.state)
        self._search, self._cursor, self._first = view.q, view.at, view.row
        self._input.value = view.q
        await self._load(off_loop(self._read, self._state, self._search, self._cursor))

    async def _load(self, reading: Any) -> None:
        self._asked += 1
        mine = self._asked
        page = await reading
        if page is not None and mine == self._asked:  # else a later wish overtook this one
            self._show(page)

    def _read(self, state: str, search: str, cursor: str) -> LedgerPage:
        return read_page(self._user_id, self._campaign_id, state, search, cursor)

    def _show(self, page: LedgerPage) -> None:
        self._page = page
        if page.previous is None:
            self._first = 1
        rows = [_row(row, self._zone) for row in page.rows]
        if rows != self._table.rows:
            self._table.rows = rows
        self._table.set_visibility(bool(rows))
        self._nobody.set_visibility(not rows)
        self._nobody.set_text(self._why_nobody())
        total = f"more than {page.total:,}" if page.is_more else f"{page.total:,}"
        last = self._first + len(rows) - 1
        self._words.set_text(f"{self._first:,}–{last:,} of {total}" if rows else "0 recipients")
        for button, is_on in (
            (self._to_first, page.previous),
            (self._to_previous, page.previous),
            (self._to_next, page.next),
            (self._to_last, page.next),
        ):
            button.set_enabled(is_on is not None)
        self._to_last.set_visibility(not page.is_more)

    def _why_nobody(self) -> str:
        if self._counts is not None and not self._counts.recipients:
            return "The recipients are listed here when the campaign starts."
        return "Nobody matches." if self._search else "Nobody is in this state."


PAGE = 25


def read_page(user_id: int, campaign_id: int, state: str, search: str, cursor: str) -> LedgerPage:
    with db.reading() as session:
        return stats.ledger(session, user_id, campaign_id, state=state, search=search, cursor=cursor, limit=PAGE)


def _chips() -> list[tuple[str, str]]:
    return [("", "All"), *((state, word) for state, word, _ in STATES)]


def _row(row: LedgerRow, zone: str) -> dict[str, Any]:
    word, tone = STATE_TONES[row.state]
    says = row.state != MessageState.sent or row.bounced_at is not None
    return {
        "id": row.id,
        "email": addresses.shown(row.email),
        "state": word,
        "tone": tone,
        "reason": _reason(row, zone),
        "reply": replies.with_code(row.reply_code, row.reply) if says else "",
        "attempts": f"{row.attempts:,}",
        "sent_at": clock.show(row.sent_at, zone, seconds=True),
        "opened_at": clock.show(row.opened_at, zone, seconds=True),
        "clicked_at": clock.show(row.clicked_at, zone, seconds=True),
    }


def _reason(row: LedgerRow, zone: str) -> str:
    facts = [
        f"{word} {clock.show(at, zone)}."
        for word, at in (
            ("Bounced", row.bounced_at),
            ("Complained", row.complained_at),
            ("Unsubscribed", row.unsubscribed_at),
        )
        if at is not None
    ]
    if row.state == MessageState.suppressed:
        return " ".join(["On the suppression list.", *facts])
    if row.state == MessageState.pending and row.attempts:
        facts.append(f"Next try {clock.show(row.retry_at, zone)}.")
    return " ".join([*([row.reason] if row.reason else []), *facts])
