"""Load template and Save as template."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nicegui import run, ui

from campaign_ui.parts.ask import answer
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.notices import notice, notify_done, notify_error
from campaign_ui.parts.preview import thumbnail
from core import db
from core.content import html, merge, starters, templates
from core.errors import RuleError
from core.models import BodyKind

_LARGE = 150_000  # characters; a picture of more is not worth sending to the browser
_EXAMPLE = {"first_name": "Anna", "email": "anna@example.com", "unsubscribe_url": "#"}


@dataclass(frozen=True)
class _Offer:
    name: str
    caption: str
    subject: str
    preheader: str
    body: str
    body_kind: str


class TemplateMenu:
    """A button with both; ``on_load`` shows the new body. The page gives ``said`` its place."""

    def __init__(self, compose: Compose, on_load: Callable[[], Any]) -> None:
        self.compose, self.draft, self.on_load = compose, compose.draft, on_load
        self.said: ui.row  # where a loaded template is said, with a way back
        with ui.button("Templates", icon="auto_awesome_mosaic").props("flat dense").classes("px-2"), ui.menu():
            ui.menu_item("Load template", on_click=self.choose)
            ui.menu_item("Save as template", on_click=self.save_as)

    async def choose(self) -> None:
        """The gallery: the user's own first, then the starters."""
        own = await run.io_bound(_own, self.draft.user_id) or []
        given = [_Offer(s.name, s.description, s.subject, s.preheader, s.body, s.body_kind) for s in starters.all()]
        with ui.dialog() as dialog, ui.card().classes("w-[960px] max-w-full p-6 gap-4 items-stretch"):
            dialog.props["aria-label"] = "Load template"
            _heading("Load template")
            if _is_written(self.draft.values["body"]):
                ui.label("It takes the place of the body you have now.").classes("text-sm cm-mute -mt-3")
            with ui.element("div").classes("cm-gallery"):
                for offer in [*own, *given]:
                    self._offer(offer, lambda offer=offer: dialog.submit(offer))
        chosen = await answer(dialog)
        if chosen is not None:
            self._load(chosen)

    def _offer(self, offer: _Offer, use: Callable[[], Any]) -> None:
        source = html.wrap_rich(offer.body) if offer.body_kind == BodyKind.rich else offer.body
        source = merge.render_html(source, _EXAMPLE) if len(source) <= _LARGE else "<p>A large mail</p>"
        with ui.element("article").classes("cm-card cm-template") as block:
            block.props["aria-label"] = offer.name
            thumbnail(source, f"Use {offer.name}", use)
            with ui.column().classes("p-3 gap-0 w-full"):
                ui.label(offer.name).classes("font-semibold text-[14px] truncate w-full")
                ui.label(offer.caption).classes("text-xs cm-mute truncate w-full")

    def _load(self, offer: _Offer) -> None:
        """The body always; subject and preheader only where nothing is written yet."""
        values: dict[str, str] = {"body": offer.body, "body_kind": offer.body_kind}
        for name, text in (("subject", offer.subject), ("preheader", offer.preheader)):
            if text and not self.draft.values[name].strip():
                values[name] = text
        before = {name: self.draft.values[name] for name in values}
        self.draft.change(**values)
        self.on_load()
        if _is_written(before["body"]):
            self._offer_undo(offer.name, before)

    def _offer_undo(self, name: str, before: dict[str, str]) -> None:
        def undo() -> None:
            self.said.clear()
            self.draft.change(**before)
            self.on_load()

        self.said.clear()
        with self.said, notice(f"{name} took the place of the body.", "info", "auto_awesome_mosaic"):
            with ui.row().classes("gap-2 mt-1"):
                ui.button("Undo", on_click=undo).props("outline dense")
                ui.button("Keep it", on_click=self.said.clear).props("flat dense")

    async def save_as(self) -> None:
        """Asks for a name; one that is taken is asked about again."""
        with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Save as template"
            _heading("Save as template")
            values = self.draft.values
            given = ui.input("Template name", value=values["name"] or values["subject"]).props(
                "maxlength=200 autofocus"
            )
            given.on("keydown.enter", lambda: dialog.submit((given.value, False)))
            with ui.row().classes("w-full justify-end gap-2"):
                ui.button("Close", on_click=dialog.close).props("flat color=grey-7")
                ui.button("Save", on_click=lambda: dialog.submit((given.value, False)))
        submitted = await answer(dialog)
        if submitted is not None:
            await self._keep(str(submitted[0] or ""), replace=False)

    async def _keep(self, name: str, replace: bool) -> None:
        values = {key: self.draft.values[key] for key in ("subject", "preheader", "body", "body_kind")}
        try:
            await run.io_bound(_save_as, self.draft.user_id, name, values, replace)
        except templates.NameTaken:
            if await _may_replace(name.strip()):
                await self._keep(name, replace=True)
        except RuleError as error:
            notify_error(str(error))
        else:
            notify_done(f"{name.strip()} is saved under Templates.")


async def _may_replace(name: str) -> bool:
    with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = f"Replace {name}?"
        _heading(f"Replace {name}?")
        ui.label("There is a template of this name. Its content is replaced by this draft's.").classes(
            "text-sm cm-mute"
        )
        with ui.row().classes("w-full justify-end gap-2 mt-4"):
            ui.button("Keep it", on_click=lambda: dialog.submit(False)).props("flat color=grey-7 autofocus")
            ui.button("Replace", on_click=lambda: dialog.submit(True))
    return bool(await answer(dialog))


def _heading(text: str) -> None:
    ui.label(text).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")


def _is_written(body: str) -> bool:
    return bool(html.to_text(body).strip())


def _own(user_id: int) -> list[_Offer]:
    with db.reading() as session:
        kept = templates.list_all(session, user_id)
    return [_Offer(t.name, "Your template", t.subject, t.preheader, t.body, t.body_kind) for t in kept]


def _save_as(user_id: int, name: str, values: dict[str, str], replace: bool) -> None:
    with db.session() as session:
        templates.save_as(session, user_id, name, replace=replace, **values)
