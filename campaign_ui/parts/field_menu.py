"""The menu of merge fields: what is chosen goes in at the cursor of the field it belongs to, in the browser."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from nicegui import ui

from campaign_ui.parts.markup import SECTION, Html, fill

# Constant code; the text travels as an attribute. A name from somebody's file is never part of a script.
_INSERT = """(event) => {
  const text = event.currentTarget.dataset.insert, id = Number(event.currentTarget.dataset.target);
  const target = getElement(id), field = target?.$refs?.qRef;
  if (!field?.getNativeElement) return target && cmBody.insert(id, text, "words");
  const input = field.getNativeElement();
  input.setRangeText(text, input.selectionStart, input.selectionEnd, "end");
  input.dispatchEvent(new Event("input", { bubbles: true }));
  const focus = (tries) => cmBody.takesFocus(input, () => focus(tries - 1), tries) && cmBody.holdsFocus(input);
  focus(40);
}"""
_TITLE = '<div class="q-item__label text-[13.5px] font-medium">{}</div>'
_CAPTION = '<div class="q-item__label q-item__label--caption text-caption text-xs">{}</div>'
# Inserted as links: nobody reads an address.
_LINKS = {
    "unsubscribe_url": ("Unsubscribe link", "leads to their own page to unsubscribe"),
    "view_url": ("View in browser link", "leads to their own mail as a web page"),
}


@dataclass(frozen=True)
class Fields:
    """The names that can be chosen, what ``example`` (a recipient's fields) has for them, and a hint below."""

    names: Sequence[str]
    example: Mapping[str, object] = field(default_factory=dict)
    hint: str = "The columns of your lists become fields here."


class FieldMenu:
    """``show`` lists other fields. ``target`` is the input or editor they go into; ``put_link`` is given the merge
    field that a link is to lead to, where there can be links."""

    def __init__(
        self,
        target: ui.element,
        fields: Fields,
        name: str = "Merge field",
        put_link: Callable[[str], None] | None = None,
    ) -> None:
        self.target, self.put_link = target, put_link
        with ui.menu().props("no-refocus max-height=360px").classes("min-w-[280px]") as self.menu:
            self.menu.props["aria-label"] = name
        self.show(fields)

    def show(self, fields: Fields) -> None:
        if self.menu.is_deleted:
            return  # its editor gave way to another one
        self.menu.clear()
        with self.menu:
            for name in fields.names:
                value = str(fields.example.get(name) or "")
                self._item(f"{{{{ {name} }}}}", name, f"as {value[:40]}" if value else "")
            if fields.names:
                ui.separator()
                first = fields.names[0]
                self._item(f'{{{{ {first} | default: "there" }}}}', "With a default", f'{first} | default: "there"')
                ui.separator()
            self._item("{{ email }}", "email", "the recipient's address")
            if self.put_link is not None:
                for name, (title, caption) in _LINKS.items():
                    with ui.menu_item(on_click=partial(self.put_link, name)):
                        _words(title, caption)
            if fields.hint:
                ui.label(fields.hint).classes("text-xs cm-mute px-4 py-2 max-w-[280px]")

    def _item(self, text: str, title: str, caption: str) -> None:
        with ui.menu_item().on("click", js_handler=_INSERT) as item:
            item.props["data-insert"] = text
            item.props["data-target"] = str(self.target.id)
            _words(title, caption)


def _words(title: str, caption: str) -> None:
    Html(fill(_TITLE, title) + (fill(_CAPTION, caption) if caption else fill(""))).classes(SECTION)
