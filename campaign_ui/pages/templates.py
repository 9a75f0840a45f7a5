"""Templates: the user's own and the starters, and the page to write one."""

from functools import partial

from nicegui import ui

from campaign_ui import auth, layout, live
from campaign_ui.off_loop import off_loop
from campaign_ui.parts import act, act_undoably, card, empty_state, page_header
from campaign_ui.parts.preview import add_style
from campaign_ui.parts.template_card import Shown, picture_of, template_card
from campaign_ui.parts.template_editor import TemplateEditor, Words
from core import campaigns, clock, db
from core.audience import contacts
from core.content import starters, templates
from core.content.starters import Starter
from core.models import BodyKind, Template

_KINDS = {
    BodyKind.rich: "Rich text: words, images, buttons",
    BodyKind.markdown: "Markdown",
    BodyKind.html: "HTML: a letter to write over",
}
_STEP = 24  # pictures shown before "Show more"


def register() -> None:
    @ui.page("/templates", response_timeout=layout.PATIENCE)
    async def gallery() -> None:
        with layout.frame("Templates", "/templates"):
            page = _Gallery(auth.current())
            live.watch(page.reload, "template")
            await page.reload()

    @ui.page("/templates/new", response_timeout=layout.PATIENCE)
    async def new(start: str = "", kind: str = BodyKind.rich) -> None:
        user, starter = auth.current(), starters.get(start) if start else None
        fields = await off_loop(_fields, user.id)
        with layout.frame("New template", "/templates"):
            TemplateEditor(user.id, _blank(kind) if starter is None else _from_starter(starter), fields)

    @ui.page("/templates/{template_id}", response_timeout=layout.PATIENCE)
    async def edit(template_id: int) -> None:
        user = auth.current()
        found, fields = await off_loop(_get, user.id, template_id)
        with layout.frame("Edit template", "/templates"):
            words = {name: getattr(found, name) for name in Words.__dataclass_fields__}
            TemplateEditor(user.id, Words(**words), fields)


def _blank(kind: str) -> Words:
    """Nothing is written yet, but for HTML, which begins with a letter to write over."""
    if kind == BodyKind.html:
        return Words(None, "", "", "", starters.get("letter").body, kind)
    return Words(None, "", "", "", "", kind if kind in list(BodyKind) else BodyKind.rich)


def _from_starter(starter: Starter) -> Words:
    return Words(None, starter.name, starter.subject, starter.preheader, starter.body, starter.body_kind)


def _get(user_id: int, template_id: int) -> tuple[Template, list[str]]:
    with db.reading() as session:
        return templates.get(session, user_id, template_id), contacts.field_names(session, user_id)


def _fields(user_id: int) -> list[str]:
    with db.reading() as session:
        return contacts.field_names(session, user_id)


def _list(user_id: int) -> list[Template]:
    with db.reading() as session:
        return templates.list_all(session, user_id)


class _Gallery:
    def __init__(self, user: auth.CurrentUser) -> None:
        self.user, self.limit = user, _STEP
        self.shown: list[object] | None = None
        self.place = ui.element("div").classes("hidden")  # outlives the cards: questions and toasts belong here
        add_style()
        with page_header("Mails to begin a campaign with. What you use is copied: a template never changes under you."):
            with ui.button("New template", icon="add"), ui.menu():
                for kind, words in _KINDS.items():
                    ui.menu_item(words, lambda kind=kind: ui.navigate.to(f"/templates/new?kind={kind}"))
        _heading("Your templates")
        self.own = ui.element("div").classes("cm-gallery")
        with card() as self.nothing:
            empty_state(
                "auto_awesome_mosaic",
                "No templates of your own yet",
                "Edit one of the starters below and save it, write a new one, or save a mail as a template in Compose.",
                "New template",
                "/templates/new",
            )
        self.more = ui.button("Show more", on_click=self._show_more).props("outline").classes("self-center")
        _heading("Starters")
        with ui.element("div").classes("cm-gallery"):
            for starter in starters.all():
                self._starter(starter)

    async def reload(self) -> None:
        """Read again and draw the user's own templates."""
        found = await live.read("templates", _list, self.user.id)
        if found is None:
            return
        self.more.set_visibility(len(found) > self.limit)
        shown = [(template.id, template.updated_at) for template in found[: self.limit]]
        if shown == self.shown:
            return
        self.shown = [*shown]
        self.nothing.set_visibility(not found)
        self.own.set_visibility(bool(found))
        self.own.clear()
        with self.own:
            for template in found[: self.limit]:
                self._template(template)

    async def _show_more(self) -> None:
        self.limit += _STEP
        await self.reload()

    def _template(self, template: Template) -> None:
        assert template.id is not None
        changed = f"Changed {clock.show(template.updated_at, self.user.time_zone)}"
        template_card(
            Shown(template.name, changed, picture_of(template), f"/templates/{template.id}"),
            partial(self._use, template),
            {
                "Duplicate": ("content_copy", partial(self._duplicate, template.id)),
                "Delete": ("delete_outline", partial(self._delete, template.id, template.name)),
            },
        )

    def _starter(self, starter: Starter) -> None:
        template_card(
            Shown(
                starter.name,
                starter.description,
                picture_of(starter),
                f"/templates/new?start={starter.key}",
            ),
            partial(self._use, starter),
            {},
        )

    async def _use(self, chosen: Template | Starter) -> None:
        with self.place:
            campaign_id = await off_loop(_begin, self.user.id, chosen)
            ui.navigate.to(f"/campaigns/{campaign_id}/edit")

    async def _duplicate(self, template_id: int) -> None:
        with self.place:
            await act(templates.duplicate, self.user.id, template_id, done="Copied.")

    async def _delete(self, template_id: int, name: str) -> None:
        done = f"{name} was deleted. Campaigns made from it keep their text."
        with self.place:
            await act_undoably(templates.delete, template_id, done=done, undo=templates.put_back, user_id=self.user.id)


def _begin(user_id: int, chosen: Template | Starter) -> int:
    """A new draft with the template's words."""
    with db.session() as session:
        campaign = campaigns.create(session, user_id)
        assert campaign.id is not None
        campaigns.save_draft(
            session,
            user_id,
            campaign.id,
            campaign.version,
            name=chosen.name,
            subject=chosen.subject,
            preheader=chosen.preheader,
            body=chosen.body,
            body_kind=chosen.body_kind,
        )
        return campaign.id


def _heading(text: str) -> None:
    ui.label(text).classes("font-semibold text-[15px] mt-2").props("role=heading aria-level=2")
