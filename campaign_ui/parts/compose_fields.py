"""The menu of merge fields: what is chosen goes in at the cursor of the field it belongs to, in the browser."""

from nicegui import ui

from campaign_ui.parts.compose_data import Compose

# Constant code; the text travels as an attribute. A name from somebody's file is never part of a script.
_INSERT = """(event) => {
  const text = event.currentTarget.dataset.insert, target = getElement(Number(event.currentTarget.dataset.target));
  if (!target) return;
  const rich = target.$refs && target.$refs.qRef;
  if (rich && rich.runCmd) { rich.runCmd("insertText", text); return; }
  if (target.editor && target.editor.dispatch) {
    target.editor.dispatch(target.editor.state.replaceSelection(text));
    target.editor.focus();
    return;
  }
  const input = rich.getNativeElement();
  input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.focus();
}"""
_ALWAYS = {"email": "the recipient's address", "unsubscribe_url": "their own link to unsubscribe"}


class FieldMenu:
    """``fill`` lists the fields of the chosen lists again; ``target`` is the input or editor they go into."""

    def __init__(self, compose: Compose, target: ui.element, name: str = "Merge field") -> None:
        self.compose, self.target = compose, target
        with ui.menu().props("max-height=360px").classes("min-w-[280px]") as self.menu:
            self.menu.props["aria-label"] = name
        compose.on_choices(self.fill)
        self.fill()

    def fill(self) -> None:
        if self.menu.is_deleted:
            return  # its editor gave way to another one
        self.menu.clear()
        choices, example = self.compose.choices, self.compose.choices.example
        with self.menu:
            for field in choices.fields:
                value = str(example.fields.get(field) or "") if example else ""
                self._item(f"{{{{ {field} }}}}", field, f"as {value[:40]}" if value else "")
            if choices.fields:
                ui.separator()
                first = choices.fields[0]
                self._item(f'{{{{ {first} | default: "there" }}}}', "With a default", f'{first} | default: "there"')
                ui.separator()
            for field, meaning in _ALWAYS.items():
                self._item(f"{{{{ {field} }}}}", field, meaning)
            if not choices.fields:
                hint = "The columns of a list become fields here once it is chosen in Audience."
                ui.label(hint).classes("text-xs cm-mute px-4 py-2 max-w-[280px]")

    def _item(self, text: str, title: str, caption: str) -> None:
        with ui.menu_item().on("click", js_handler=_INSERT) as item:
            item.props["data-insert"] = text
            item.props["data-target"] = str(self.target.id)
            with ui.item_section():
                ui.item_label(title).classes("text-[13.5px] font-medium")
                if caption:
                    ui.item_label(caption).props("caption").classes("text-xs")
