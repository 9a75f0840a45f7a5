"""The box that a body is written in: rich text, Markdown, or HTML, seen as the mail (Visual) or as its source."""

import json
from collections.abc import Callable
from typing import Any, Literal

from nicegui import background_tasks, events, ui

from campaign_ui.off_loop import off_loop
from campaign_ui.parts import body_box
from campaign_ui.parts.body_images import BodyImages
from campaign_ui.parts.body_visual import VisualBody
from campaign_ui.parts.body_visual_ask import ask_link
from campaign_ui.parts.notices import notify_error
from core.content import blocks, html, images, languages, pasted
from core.models import BodyKind

_TOOLBAR = """[
  ["bold", "italic", "underline"],
  [{label: "Style", icon: "format_size", fixedLabel: true, fixedIcon: true, list: "no-icons",
    options: ["p", "h1", "h2", "h3", "code"]}],
  ["quote", "unordered", "ordered"], ["left", "center"], ["ask", "hr"],
  [{label: "Table", icon: "table_chart", fixedLabel: true, fixedIcon: true, list: "no-icons",
    options: ["insertTable", "rowBelow", "columnRight", "deleteRow", "deleteColumn", "deleteTable"]}],
  ["removeFormat"], ["undo", "redo"]
]"""
# Quasar's own makes a link of what is marked at once, to nowhere.
_ASK = """ask: {icon: "link", tip: "Link (Ctrl+K)", type: "toggle", toggled: ({caret}) => caret.is("link"),
  handler: () => cmLink.ask(cmBody.box().$refs.qRef)}"""
_IN_TABLE = {
    "rowBelow": "Add row below",
    "columnRight": "Add column to the right",
    "deleteRow": "Delete row",
    "deleteColumn": "Delete column",
    "deleteTable": "Delete table",
}
_SIGNS = (
    "# Heading, **bold**, *italic*, - list, > quote, [words](https://…), ![what it shows](image). "
    "Block puts in buttons, columns and tables."
)
_GONE = "A picture could not be pasted: only its place on your computer was copied. Add it with Image."
_MANY_GONE = "{:,} pictures could not be pasted: only their places on your computer were copied. Add them with Image."
_SAY_DARK = """
(() => {
  let said;
  const say = () => {
    const dark = document.body.classList.contains("body--dark");
    if (dark !== said) emitEvent("page_is_dark", (said = dark));
  };
  window.cmDarkWatch?.disconnect(); // of the connection before
  window.cmDarkWatch = new MutationObserver(say);
  window.cmDarkWatch.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  say();
})();
"""
_VIEWS = {"visual": "Visual", "source": "Source"}


class BodyEditor:
    """Its switch stands where it is made, its box where ``build`` is called. ``on_typed`` gets what was written;
    ``on_built`` is called when another box took the place of the last, for menus that belong to it."""

    def __init__(
        self, images: BodyImages, on_typed: Callable[[str], Any], on_built: Callable[[ui.element], Any] | None = None
    ) -> None:
        self.images, self.on_typed, self.on_built = images, on_typed, on_built
        self.client, self.is_dark = ui.context.client, False
        self.kind, self.value, self.shown = "", "", ""
        self.is_chosen = False  # whether the user pressed the switch
        self.box: ui.editor | ui.codemirror | VisualBody
        self.view = ui.toggle(_VIEWS, value="visual", on_change=self._look).classes("cm-switch")
        self.view.props('aria-label="HTML as"')

    def build(self) -> None:
        """The place of the box; then call ``show``."""
        self.place = ui.element("div").classes("w-full")
        ui.on("page_is_dark", self._dressed)
        self.client.on_connect(self._connected)
        if self.client.has_socket_connection:  # built when the step is first visited
            self._connected()

    @property
    def element(self) -> ui.element:
        return self.box.element if isinstance(self.box, VisualBody) else self.box

    @property
    def is_visual(self) -> bool:
        return isinstance(self.box, VisualBody)

    def _connected(self) -> None:
        self.client.run_javascript(self._name_it() + _SAY_DARK)

    def _name_it(self) -> str:
        if self.shown == "visual":
            return 'cmBody.rove(document.querySelector(".cm-visual [role=toolbar]"), "Change the mail");'
        return body_box.NAME_IT

    def _dressed(self, event: events.GenericEventArguments) -> None:
        """The code wears the page's colours, also when they are switched."""
        self.is_dark = bool(event.args)
        if isinstance(self.box, ui.codemirror):
            self.box.set_theme(self._theme())

    def _theme(self) -> Literal["vscodeDark", "vscodeLight", "githubLight"]:
        return body_box.theme(self.is_dark, self.kind)

    def _look(self) -> None:
        self.is_chosen = True
        if self.kind == BodyKind.html:
            self._draw()

    def show(self, kind: str, value: str) -> None:
        """``value`` in the box of ``kind``."""
        self.kind, self.value = kind, value
        self.view.set_visibility(kind == BodyKind.html)
        fitting = "visual" if value.strip() else "source"  # in a mail without anything there is nothing to click
        if kind == BodyKind.html and not self.is_chosen and self.view.value != fitting:
            self.view.set_value(fitting)  # which draws
            self.is_chosen = False
        else:
            self._draw()

    def _draw(self) -> None:
        kind, value = self.kind, self.value
        wanted = str(self.view.value) if kind == BodyKind.html else kind
        if wanted == self.shown and isinstance(self.box, ui.codemirror | VisualBody):
            if self.box.value != value or self.is_visual:
                self.box.set_value(value)  # a code editor's own undo knows the way back
            return
        self.shown = wanted
        self.place.clear()
        with self.place:
            self.box = self._made()
            if kind == BodyKind.markdown:
                ui.label(_SIGNS).classes("text-xs cm-mute mt-2")
        self.element.classes("body-now")
        if not isinstance(self.box, VisualBody):
            for event in ("paste.capture", "drop.capture"):
                self.box.on(event, self.images.told, js_handler=body_box.PASTE)
        if self.on_built is not None:
            self.on_built(self.element)
        if self.client.has_socket_connection:
            self.client.run_javascript(self._name_it())

    def _made(self) -> "ui.editor | ui.codemirror | VisualBody":
        if self.shown == "visual":
            return VisualBody(self.value, self.images, self._keep)
        return self._rich() if self.kind == BodyKind.rich else self._code()

    def _rich(self) -> ui.editor:
        editor = ui.editor(value=html.for_editor(self.value), placeholder="Write your mail", on_change=self._typed)
        editor.props[":toolbar"], editor.props[":definitions"] = _TOOLBAR, _definitions(editor.id)
        editor.on("linkask", self._asked, js_handler="(event) => emit(event.detail)")
        return editor.props("min-height=340px flat").classes("compose-rich w-full")

    def _asked(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, dict):
            background_tasks.create(self._ask_link(event.args), name="ask about a link")

    async def _ask_link(self, said: dict[str, Any]) -> None:
        with self.images.place:
            answer = await ask_link(said)
        self.client.run_javascript(f"cmLink.put({json.dumps(answer)})")

    def _code(self) -> ui.codemirror:
        language: Literal["HTML", "Markdown"] = "HTML" if self.kind == BodyKind.html else "Markdown"
        editor = ui.codemirror(self.value, language=language, line_wrapping=True, indent="  ", on_change=self._typed)
        editor.set_theme(self._theme())
        return editor.classes("cm-code w-full h-[480px]")

    def _typed(self, event: events.ValueChangeEventArguments[str]) -> None:
        if event.sender is self.box:
            here = f"{self.client.request.url.scheme}://{self.client.request.url.netloc}"
            self._keep(images.relative(event.value or "", here))  # browsers copy whole addresses

    def _keep(self, value: str) -> None:
        self.value = value
        self.on_typed(value)

    def put(self, block: str) -> None:
        """A ready block (rich text) at the cursor, in the way of this kind."""
        body_box.insert(self.client, self.element, blocks.for_kind(block, self.kind), "block")

    def put_link(self, field: str, language: str = languages.ENGLISH) -> None:
        """A link to ``field`` (see ``blocks.link``) at the cursor."""
        body_box.insert(self.client, self.element, blocks.link(field, language, self.kind), "link")

    def paste(self, source: str) -> None:
        """What was copied elsewhere, where it was pasted into a rich text."""
        background_tasks.create(self._paste(source), name="read what was pasted")

    async def _paste(self, source: str) -> None:
        found = await off_loop(pasted.read, source)
        body_box.insert(self.client, self.element, found.html, "pasted")
        if found.gone and not self.images.place.is_deleted:
            with self.images.place:
                notify_error(_GONE if found.gone == 1 else _MANY_GONE.format(found.gone))


def _definitions(editor_id: int) -> str:
    """What the toolbar's own buttons say and do."""
    put = f'cmBody.insert({editor_id}, {json.dumps(blocks.table())}, "block")'
    insert = (
        'insertTable: {type: "no-state", tip: "Insert table", disable: (rich) => !!cmTable.cell(rich), '
        f"handler: () => {put}}}"
    )
    others = [
        f'{name}: {{type: "no-state", tip: "{words}", disable: (rich) => !cmTable.cell(rich), '
        f'handler: () => cmTable.change(cmBody.box().$refs.qRef, "{name}")}}'
        for name, words in _IN_TABLE.items()
    ]
    return f"{{{', '.join([_ASK, insert, *others])}}}"
