"""The body: rich text, Markdown or HTML, never two at once; its tools; and what each would lose in another."""

from collections.abc import Iterable
from typing import Any

from nicegui import events, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts import body_box
from campaign_ui.parts.ask import answer, dialog_title
from campaign_ui.parts.body_blocks import BlockMenu
from campaign_ui.parts.body_editor import BodyEditor
from campaign_ui.parts.body_images import BodyImages
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_history import History, keep
from campaign_ui.parts.compose_templates import TemplateMenu
from campaign_ui.parts.field_menu import FieldMenu
from campaign_ui.parts.notices import notice
from core.content import bodies, html, losses
from core.models import BodyKind


class Body:
    """The card's lower part: switch, tools and the editor of the draft's kind. ``on_values``: show other values too."""

    def __init__(self, compose: Compose, on_values: Any) -> None:
        self.compose, self.draft, self.client = compose, compose.draft, ui.context.client
        self.on_values = on_values
        self.turned = ("", "", "", "")  # the last switch: kind and body before, kind and body after
        with ui.row().classes("w-full items-center gap-x-1 gap-y-2"):
            ui.label("Body").classes("font-semibold text-[15px] mr-1").props("role=heading aria-level=2")
            ui.space()
            self.kind = ui.toggle(dict(bodies.NAMES), value=self.draft.values["body_kind"]).classes("cm-switch")
            self.kind.props('aria-label="Kind of body"').on_value_change(self._switch)
        with ui.row().classes("w-full items-center gap-1 -mt-1 compose-tools"):
            self.images = BodyImages(
                compose.user_id, lambda block: self.box.put(block), lambda text: self.box.paste(text)
            )
            self.tools = ui.row().classes("items-center gap-1")
            ui.button("Image", icon="image", on_click=self.images.open).props("flat dense").classes("px-2")
            BlockMenu(lambda block: self.box.put(block), self.images, lambda: self.draft.values["language"])
            TemplateMenu(compose, self._load)
            ui.space()
            self.box = BodyEditor(self.images, self._typed, self._built)
            History(compose, self.say_with_undo)
        self.said = ui.row().classes("body-said w-full").props("tabindex=-1")
        self.said.set_visibility(False)
        self.before: str | None = None  # the body that this would bring back
        self.after: set[str] = set()  # that which took its place, as it is kept and as the editor spells it
        self.box.build()
        self.show()
        compose.on_choices(lambda: self.fields.show(compose.fields))

    def show(self) -> None:
        """What the draft says now, in the editor of its kind (after a switch, a template or an undo)."""
        self.kind.set_value(self.draft.values["body_kind"])
        self.box.show(self.draft.values["body_kind"], self.draft.values["body"])

    def _built(self, element: ui.element) -> None:
        self.tools.clear()
        with self.tools, ui.button("Merge field", icon="data_object").props("flat dense").classes("px-2"):
            self.fields = FieldMenu(element, self.compose.fields, put_link=self._put_link)

    def _put_link(self, field: str) -> None:
        self.box.put_link(field, self.draft.values["language"])

    def _typed(self, body: str) -> None:
        self.draft.change(body=body)
        if body == self.before:
            self._say_no_more()  # taken back by the editor's own undo
        elif self.before is not None:
            self.said.set_visibility(body in self.after)  # the editor's undo of what was typed since brings it back

    def _load(self, name: str, before: dict[str, str]) -> None:
        if html.to_text(bodies.words(before["body"], before["body_kind"])).strip():
            self.say_with_undo(f"{name} took the place of the body.", before)
        else:
            self._show_all()

    def say_with_undo(self, sentence: str, before: dict[str, str]) -> None:
        """Show the draft's new values, say what happened, and offer to take it back until the body is typed on."""
        self._show_all()
        self._say_no_more()
        after = self._now(before)
        self.before, self.after = before["body"], {after["body"], html.for_editor(after["body"])}

        async def undo() -> None:
            if self.said.visible:
                await self._keep_typed_since(after, f"Before Undo: {sentence}")
                if not button.is_deleted:  # pressed twice
                    self._say_no_more()
                    self.draft.change(**before)
                    self._show_all()

        self.said.set_visibility(True)
        with self.said, notice(sentence, "info", "undo"), ui.row().classes("gap-2 mt-1"):
            button = ui.button("Undo", on_click=undo).props("outline dense")
            if self._is_new_box(before):
                button.classes(body_box.TAKES_BACK)
            ui.button("Keep it", on_click=self._say_no_more).props("flat dense")

    def _now(self, names: Iterable[str]) -> dict[str, str]:
        return {name: self.draft.values[name] for name in names}

    async def _keep_typed_since(self, after: dict[str, str], reason: str) -> None:
        """Keep what the draft says now where it is not ``after`` any more, also what is typed meanwhile."""
        kept = after
        while (now := self._now(after)) != kept:
            await self.draft.flush()
            await keep(self.draft.user_id, self.draft.id, reason)
            kept = now

    def _is_new_box(self, before: dict[str, str]) -> bool:
        """Whether the editor is another than before, which knows no way back."""
        kind = self.draft.values["body_kind"]
        return kind == BodyKind.rich or self.box.is_visual or before.get("body_kind", kind) != kind

    def _say_no_more(self) -> None:
        self.before = None
        self.said.clear()
        self.said.set_visibility(False)

    def _show_all(self) -> None:
        self.show()
        self.on_values()

    async def _switch(self, event: events.ValueChangeEventArguments[str]) -> None:
        kind, body, into = self.draft.values["body_kind"], self.draft.values["body"], event.value
        if into == kind:
            return
        if (into, kind, body) == (self.turned[0], self.turned[2], self.turned[3]):
            self._turn(into, self.turned[1])  # nothing was typed since: no need to read it back
            return
        lost = await off_loop(losses.of, body, kind, into)
        if lost:
            self.kind.set_value(kind)  # while it is asked
            if not await _may_lose(lost, kind, into):
                return
        became = await off_loop(bodies.turned, body, kind, into, self.draft.values["language"])
        await self.draft.flush()
        await keep(self.draft.user_id, self.draft.id, f"Before it became {bodies.NAMES[BodyKind(into)]}")
        if self.draft.values["body"] != body:  # typed on while all that was awaited
            self.kind.set_value(self.draft.values["body_kind"])
            return
        before = {"body": body, "body_kind": kind}
        self._turn(into, became)
        if lost:
            self.say_with_undo(f"The body is {bodies.NAMES[BodyKind(into)]} now.", before)

    def _turn(self, into: str, became: str) -> None:
        self.turned = (self.draft.values["body_kind"], self.draft.values["body"], into, became)
        self._say_no_more()
        self.draft.change(body_kind=into, body=became)
        self.show()


async def _may_lose(lost: list[str], kind: str, into: str) -> bool:
    now, then = bodies.NAMES[BodyKind(kind)], bodies.NAMES[BodyKind(into)]
    title = f"{then} would lose parts of this mail"
    with ui.dialog() as dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = title
        dialog_title(title)
        ui.label(f"As {then} it cannot keep:").classes("text-sm cm-mute")
        with ui.element("ul").classes("list-disc pl-5 text-sm"):
            for each in lost:
                with ui.element("li"):
                    ui.label(each)
        ui.label("What it is now stays in the version history.").classes("text-sm cm-mute")
        with ui.row().classes("w-full justify-end gap-2 mt-2"):
            ui.button("Switch and lose them", on_click=lambda: dialog.submit(True)).props("flat color=grey-7")
            ui.button(f"Stay in {now}", on_click=lambda: dialog.submit(False)).props("autofocus")
    return bool(await answer(dialog))
