"""Users: for the administrator alone; for everybody else this page does not exist."""

from collections.abc import Callable
from typing import Any

from nicegui import events, ui
from sqlmodel import Session

from campaign_ui import auth, layout
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, card, confirm, notify_error, page_header, scroll_box
from campaign_ui.parts.ask import NOT_NOW, answer, dialog_title
from campaign_ui.parts.pager import MENU_HEADER
from core import clock, config, db, members
from core.delivery import senders
from core.errors import NotFound, RuleError
from core.members import Member

_HIDDEN = "max-md:hidden"
_COLUMNS = [
    {"name": "email", "field": "email", "label": "Email", "align": "left"},
    {"name": "seen", "field": "seen", "label": "Last sign-in", "align": "left"},
    *(
        {"name": name.lower(), "field": name.lower(), "label": name, "align": "right"}
        for name in ("Campaigns", "Contacts", "Sent")
    ),
    {"name": "actions", "field": "id", "label": "", "align": "right"},
]
for _column in _COLUMNS[1:5]:
    _column |= {"classes": _HIDDEN, "headerClasses": _HIDDEN}
# Constant templates: addresses arrive as data only.
_EMAIL = """
<q-td :props="props" style="white-space:normal">
  <span style="overflow-wrap:anywhere">{{ props.row.email }}</span>&ensp;
  <span v-if="props.row.state" class="cm-badge" :class="'is-' + props.row.tone">{{ props.row.state }}</span>
  <div class="text-xs cm-mute md:hidden">{{ props.row.seen }}</div>
</q-td>
"""
_MENU = """
<q-td :props="props" auto-width>
  <q-btn v-if="!props.row.own" flat round dense color="grey-7" icon="more_vert"
    :aria-label="'Actions for ' + props.row.email">
    <q-menu auto-close anchor="bottom right" self="top right">
      <q-list role="none" style="min-width:180px">
        <q-item role="menuitem" clickable @click="() => $parent.$emit('reset', props.row.id)">
          <q-item-section>{{ props.row.invited ? 'New link' : 'Reset password' }}</q-item-section></q-item>
        <q-item role="menuitem" clickable @click="() => $parent.$emit('block', props.row.id)">
          <q-item-section class="text-negative">{{ props.row.blocked ? 'Unblock' : 'Block' }}</q-item-section></q-item>
      </q-list>
    </q-menu>
  </q-btn>
</q-td>
"""


def register() -> None:
    @ui.page("/users", response_timeout=layout.PATIENCE)
    async def users() -> None:
        user = auth.current()
        found = await off_loop(_load, user.id)  # raises NotFound for who is no administrator
        with layout.frame("Users", "/settings"):
            _Users(user).show(found)


class _Users:
    def __init__(self, user: auth.CurrentUser) -> None:
        self.user, self.known = user, dict[int, Member]()
        request = ui.context.client.request
        self.base = config.settings.base_url or str(request.base_url).rstrip("/")
        with page_header("Everybody who has an account here. Nobody sees what another one writes or whom they mail."):
            ui.button("Invite user", icon="person_add", on_click=self._invite)
        with card().classes("overflow-hidden"), scroll_box("Users"):
            self.table = ui.table(rows=[], columns=_COLUMNS, row_key="id", pagination=0).props("flat hide-bottom")
            self.table.classes("w-full").props["aria-label"] = "Users"
            self.table.add_slot("body-cell-email", _EMAIL)
            self.table.add_slot("body-cell-actions", _MENU)
            self.table.add_slot("header-cell-actions", MENU_HEADER)
            self.table.on("reset", self._reset)
            self.table.on("block", self._block)

    def show(self, found: list[Member]) -> None:
        self.known = {each.id: each for each in found}
        self.table.rows = [self._row(each) for each in found]

    async def reload(self) -> None:
        try:
            self.show(await off_loop(_load, self.user.id))
        except NotFound as error:  # no administrator any more
            notify_error(str(error))

    def _row(self, each: Member) -> dict[str, Any]:
        state, tone = "", ""
        if each.is_blocked:
            state, tone = "Blocked", "failed"
        elif each.is_invited:
            state, tone = "Link not used yet", "pending"
        elif each.is_admin:
            state, tone = "Administrator", "brand"
        seen = clock.show(each.signed_in_at, self.user.time_zone) if each.signed_in_at else "None noted"
        numbers = {"campaigns": f"{each.campaigns:,}", "contacts": f"{each.contacts:,}", "sent": f"{each.sent:,}"}
        kind = {"invited": each.is_invited, "blocked": each.is_blocked, "own": each.id == self.user.id}
        return {"id": each.id, "email": each.email, "state": state, "tone": tone, "seen": seen, **numbers, **kind}

    async def _invite(self) -> None:
        with ui.dialog() as dialog, ui.card().classes("w-[440px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Invite user"
            dialog_title("Invite user")
            ui.label("You get a link to hand on. Nothing is mailed.").classes("text-sm cm-mute -mt-2")
            email = ui.input("Email").props("type=email maxlength=320 autofocus")

            async def invite() -> None:
                token = await self._link(_invite, email.value or "")
                if token:
                    dialog.submit(token)

            email.on("keydown.enter", invite)
            with ui.row().classes("w-full justify-end gap-2 mt-2"):
                ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat color=grey-7")
                ui.button("Make link", on_click=invite)
        if token := await answer(dialog):
            await self._show_link(token)

    async def _reset(self, event: events.GenericEventArguments) -> None:
        if (member := self._member(event)) is None:
            return
        words = "The password and all sessions of this account end now. You get a link by which a new one is set."
        if not member.is_invited and not await confirm(
            f"Reset the password of {member.email}?", words, "Reset", no=NOT_NOW
        ):
            return
        if token := await self._link(members.reset, member.id):
            await self._show_link(token)

    async def _block(self, event: events.GenericEventArguments) -> None:
        if (member := self._member(event)) is None:
            return
        if member.is_blocked:
            await act(members.unblock, self.user.id, member.id, done=f"{member.email} may log in again.")
            return await self.reload()
        words = "They are signed out now and cannot log in. Campaigns that are scheduled or sending go on."
        if await confirm(f"Block {member.email}?", words, "Block", no=NOT_NOW):
            await act(members.block, self.user.id, member.id, done=f"{member.email} is blocked.")
            await self.reload()

    def _member(self, event: events.GenericEventArguments) -> Member | None:
        """The row's; who may do what is asked of the database again."""
        return self.known.get(event.args) if isinstance(event.args, int) else None

    async def _link(self, call: Callable[..., str], *args: Any) -> str:
        try:
            return await off_loop(_transaction, call, self.user.id, *args)
        except RuleError as error:
            notify_error(str(error))
            return ""

    async def _show_link(self, token: str) -> None:
        link = f"{self.base}/welcome/{token}"
        with ui.dialog() as dialog, ui.card().classes("w-[560px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Link for one person"
            dialog_title("Link for one person")
            words = "Hand it on by a way you trust: who opens it sets the password."
            ui.label(f"{words} It works once, for {members.LINK_DAYS} days.").classes("text-sm cm-mute")
            ui.label("It is shown only now.").classes("text-sm font-medium -mt-2")
            ui.input("Link", value=link).props("readonly autofocus")
            with ui.row().classes("w-full justify-end gap-2 mt-2"):
                ui.button("Copy", icon="content_copy", on_click=lambda: ui.clipboard.write(link)).props("outline")
                ui.button("Done", on_click=lambda: dialog.submit(None))
        await answer(dialog)
        await self.reload()


def _load(user_id: int) -> list[Member]:
    with db.reading() as session:
        return members.members(session, user_id)


def _transaction(call: Callable[..., str], *args: Any) -> str:
    with db.session() as session:
        return call(session, *args)


def _invite(session: Session, admin_id: int, email: str) -> str:
    user, token = members.invite(session, admin_id, email)
    senders.add_sandbox(session, user.id or 0)
    return token
