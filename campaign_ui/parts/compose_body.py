"""The body: rich text or HTML, never both at once; and what each would lose in the other."""

from html.parser import HTMLParser
from typing import Literal

from nicegui import events, ui

from campaign_ui.parts.ask import answer
from campaign_ui.parts.body_box import NAME_IT
from campaign_ui.parts.compose_data import Compose
from campaign_ui.parts.compose_fields import FieldMenu
from campaign_ui.parts.compose_templates import TemplateMenu
from campaign_ui.parts.notices import notify_error
from core.content import html

_TOOLBAR = """[
  ["bold", "italic", "underline"],
  [{label: "Style", icon: "format_size", fixedLabel: true, fixedIcon: true, list: "no-icons",
    options: ["p", "h1", "h2", "h3", "code"]}],
  ["quote", "unordered", "ordered"], ["left", "center"], ["link", "hr"], ["removeFormat"], ["undo", "redo"]
]"""
# An image pasted as data would make the text too long for the socket, which drops it without a word.
_GUARD = """(event) => {
  const data = event.clipboardData || event.dataTransfer;
  if (!data) return;
  const html = data.getData("text/html"), text = data.getData("text/plain");
  const files = [...(data.items || [])].filter((item) => item.kind === "file");
  const refused = /(src\\s*=\\s*["']?|url\\(["']?)data:/i.test(html) || (files.length && !html) ? "image"
    : html.length > 700000 || text.length > 700000 ? "large" : "";
  if (refused) { event.preventDefault(); event.stopPropagation(); emit(refused); }
}"""
_REFUSED = {
    "image": "Images cannot be pasted into a mail. Put the image on a web server and insert it by its address in HTML.",
    "large": "This text is too long for one mail. Paste a part of it.",
}
_SAY_DARK = """
(() => {
  let said;
  const say = () => {
    const dark = document.body.classList.contains("body--dark");
    if (dark !== said) emitEvent("page_is_dark", (said = dark));
  };
  new MutationObserver(say).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  say();
})();
"""


class Body:
    """The card's lower part: switch, tools and the editor of the draft's kind."""

    def __init__(self, compose: Compose) -> None:
        self.compose, self.draft, self.client = compose, compose.draft, ui.context.client
        self.is_dark = False
        self.editor: ui.editor | ui.codemirror
        self.turned = ("", "")  # the last HTML that a rich text became, and that rich text
        with ui.row().classes("w-full items-center gap-2"):
            ui.label("Body").classes("font-semibold text-[15px]").props("role=heading aria-level=2")
            ui.space()
            kinds = {"rich": "Rich text", "html": "HTML"}
            self.tools = ui.row().classes("items-center gap-1")
            templates = TemplateMenu(compose, self.show)
            self.kind = ui.toggle(kinds, value=self.draft.values["body_kind"]).classes("cm-switch")
            self.kind.props('aria-label="Rich text or HTML"').on_value_change(self._switch)
        templates.said = ui.row().classes("w-full")
        self.place = ui.element("div").classes("w-full")
        ui.on("page_is_dark", self._dressed)
        self.client.on_connect(self._connected)
        self.show()

    def _connected(self) -> None:
        self.client.run_javascript(NAME_IT + _SAY_DARK)

    def _dressed(self, event: events.GenericEventArguments) -> None:
        """The code wears the page's colours, also when they are switched."""
        self.is_dark = bool(event.args)
        if isinstance(self.editor, ui.codemirror):
            self.editor.set_theme(self._theme())

    def _theme(self) -> Literal["vscodeDark", "vscodeLight"]:
        return "vscodeDark" if self.is_dark else "vscodeLight"

    def show(self) -> None:
        """Build the editor anew from the draft (after a switch or a template)."""
        self.place.clear()
        self.tools.clear()
        rich = self.draft.values["body_kind"] == "rich"
        self.kind.set_value(self.draft.values["body_kind"])
        with self.place:
            self.editor = self._rich() if rich else self._html()
        self.editor.classes("body-now")
        for event in ("paste.capture", "drop.capture"):
            self.editor.on(event, self._refused, js_handler=_GUARD)
        with self.tools, ui.button("Merge field", icon="data_object").props("flat dense").classes("px-2"):
            FieldMenu(self.compose, self.editor)
        if self.client.has_socket_connection:
            self.client.run_javascript(NAME_IT)

    def _rich(self) -> ui.editor:
        shown = html.for_editor(self.draft.values["body"])
        editor = ui.editor(value=shown, placeholder="Write your mail", on_change=self._typed)
        editor.props[":toolbar"] = _TOOLBAR
        return editor.props("min-height=340px flat").classes("compose-rich w-full")

    def _html(self) -> ui.codemirror:
        value = self.draft.values["body"]
        editor = ui.codemirror(value, language="HTML", line_wrapping=True, indent="  ", on_change=self._typed)
        editor.set_theme(self._theme())
        return editor.classes("cm-code w-full h-[480px]")

    def _typed(self, event: events.ValueChangeEventArguments[str]) -> None:
        if event.sender is self.editor:
            self.draft.change(body=event.value or "")

    def _refused(self, event: events.GenericEventArguments) -> None:
        notify_error(_REFUSED["large" if event.args == "large" else "image"])

    async def _switch(self, event: events.ValueChangeEventArguments[str]) -> None:
        body = self.draft.values["body"]
        if event.value == self.draft.values["body_kind"]:
            return
        if event.value == "html":
            became = html.wrap_rich(body) if body.strip() else ""
            self.turned = (became, body)
            self.draft.change(body_kind="html", body=became)
        elif body == self.turned[0]:
            self.draft.change(body_kind="rich", body=self.turned[1])  # nothing was typed since: no need to read it back
        elif html.survives_editor(body):
            self.draft.change(body_kind="rich", body=body)
        else:
            self.kind.set_value("html")
            await _tell_what_is_lost(losses(body))
            return
        self.show()


def losses(source: str) -> list[str]:
    """What the rich text editor would take out of ``source``, in words."""
    had, kept = _count(source), _count(html.for_editor(source))
    found = []
    if had.styles:
        found.append("style sheets (<style>)")
    if had.conditionals:
        found.append("instructions for Outlook (<!--[if mso]>)")
    if had.comments:
        found.append("comments")
    gone = sorted(tag for tag in had.tags if tag not in kept.tags and tag != "style")
    if gone:
        found.append("the elements " + ", ".join(f"<{tag}>" for tag in gone[:8]) + (" …" if len(gone) > 8 else ""))
    if lost := sorted(had.attributes - kept.attributes):
        found.append("the attributes " + ", ".join(lost[:8]) + (" …" if len(lost) > 8 else ""))
    return found or ["details of how it is written"]


class _Count(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles = self.conditionals = self.comments = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.styles += tag == "style"

    def handle_comment(self, data: str) -> None:
        if data.lstrip().lower().startswith(("[if", "<![endif")):
            self.conditionals += 1
        else:
            self.comments += 1


def _count(source: str) -> _Count:
    reader = _Count()
    reader.feed(source)
    reader.close()
    return reader


async def _tell_what_is_lost(lost: list[str]) -> None:
    title = "Rich text would lose parts of this mail"
    with ui.dialog() as dialog, ui.card().classes("w-[480px] max-w-full p-6 gap-2"):
        dialog.props["aria-label"] = title
        ui.label(title).classes("text-[17px] font-semibold tracking-tight").props("role=heading aria-level=2")
        ui.label("The editor for rich text would take out:").classes("text-sm cm-mute")
        with ui.element("ul").classes("list-disc pl-5 text-sm"):
            for each in lost:
                with ui.element("li"):
                    ui.label(each)
        ui.label("The mail stays HTML, as it is.").classes("text-sm cm-mute")
        with ui.row().classes("w-full justify-end mt-2"):
            ui.button("Stay in HTML", on_click=lambda: dialog.submit(True)).props("autofocus")
    await answer(dialog)
