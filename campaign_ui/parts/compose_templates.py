"""Load template and Save as template."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts.ask import answer, confirm, dialog_title
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_history import keep
from campaign_ui.parts.notices import notify_done, notify_error
from campaign_ui.parts.template_card import picture_of, thumbnail
from core import db
from core.content import bodies, html, starters, templates
from core.content.starters import Starter
from core.errors import RuleError
from core.models import Template


@dataclass(frozen=True)
class _Offer:
    name: str
    caption: str
    subject: str
    preheader: str
    body: str
    body_kind: str
    picture: str


class TemplateMenu:
    """A button with both; ``on_load`` (its name, the values before) shows what took the place of the draft's."""

    def __init__(self, compose: Compose, on_load: Callable[[str, dict[str, str]], Any]) -> None:
        self.compose, self.draft, self.on_load = compose, compose.draft, on_load
        with ui.button("Templates", icon="auto_awesome_mosaic").props("flat dense").classes("px-2"), ui.menu():
            ui.menu_item("Load template", on_click=self.choose)
            ui.menu_item("Save as template", on_click=self.save_as)

    async def choose(self) -> None:
        """The gallery: the user's own first, then the starters."""
        own = await off_loop(_own, self.draft.user_id)
        given = [_offer(each, each.description) for each in starters.all()]
        with ui.dialog() as dialog, ui.card().classes("w-[960px] max-w-full p-6 gap-4 items-stretch"):
            dialog.props["aria-label"] = "Load template"
            dialog_title("Load template")
            if _is_written(self.draft.values["body"], self.draft.values["body_kind"]):
                ui.label("It takes the place of the body you have now.").classes("text-sm cm-mute -mt-3")
            with ui.element("div").classes("cm-gallery"):
                for offer in [*own, *given]:
                    self._offer(offer, partial(dialog.submit, offer))
        chosen = await answer(dialog)
        if chosen is not None:
            await self._load(chosen)

    def _offer(self, offer: _Offer, use: Callable[[], Any]) -> None:
        with ui.element("article").classes("cm-card cm-template") as block:
            block.props["aria-label"] = offer.name
            thumbnail(offer.picture, f"Use {offer.name}", use)
            with ui.column().classes("p-3 gap-0 w-full"):
                ui.label(offer.name).classes("font-semibold text-[14px] truncate w-full")
                ui.label(offer.caption).classes("text-xs cm-mute truncate w-full")

    async def _load(self, offer: _Offer) -> None:
        """The body always; subject and preheader only where nothing is written yet."""
        values: dict[str, str] = {"body": offer.body, "body_kind": offer.body_kind}
        for name, text in (("subject", offer.subject), ("preheader", offer.preheader)):
            if text and not self.draft.values[name].strip():
                values[name] = text
        await self.draft.flush()
        await keep(self.draft.user_id, self.draft.id, f"Before the template {offer.name}")
        before = {name: self.draft.values[name] for name in values}
        self.draft.change(**values)
        self.on_load(offer.name, before)

    async def save_as(self) -> None:
        """Asks for a name; one that is taken is asked about again."""
        with ui.dialog() as dialog, ui.card().classes("w-[420px] max-w-full p-6 gap-3 items-stretch"):
            dialog.props["aria-label"] = "Save as template"
            dialog_title("Save as template")
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
            await off_loop(_save_as, self.draft.user_id, name, values, replace)
        except templates.NameTaken:
            text = "There is a template of this name. Its content is replaced by this draft's."
            if await confirm(f"Replace {name.strip()}?", text, "Replace", color="primary"):
                await self._keep(name, replace=True)
        except RuleError as error:
            notify_error(str(error))
        else:
            notify_done(f"{name.strip()} is saved under Templates.")


def _is_written(body: str, kind: str) -> bool:
    return bool(html.to_text(bodies.words(body, kind)).strip())


def _own(user_id: int) -> list[_Offer]:
    with db.reading() as session:
        kept = templates.list_all(session, user_id)
    return [_offer(each, "Your template") for each in kept]


def _offer(chosen: Template | Starter, caption: str) -> _Offer:
    values = (chosen.subject, chosen.preheader, chosen.body, chosen.body_kind)
    return _Offer(chosen.name, caption, *values, picture_of(chosen))


def _save_as(user_id: int, name: str, values: dict[str, str], replace: bool) -> None:
    with db.session() as session:
        templates.save_as(session, user_id, name, replace=replace, **values)
