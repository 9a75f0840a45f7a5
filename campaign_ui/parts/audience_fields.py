"""A menu beside the search: the merge field that is chosen is written into it, for a word to follow."""

from nicegui import ui

# Constant code; names from somebody's file travel as attributes.
_WRITE = """(event) => {
  const { field, target } = event.currentTarget.dataset;
  const input = getElement(Number(target)).$refs.qRef.getNativeElement();
  input.value = `${input.value} ${field}:`.trimStart();
  input.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_FOCUS = "() => getElement(%d).$refs.qRef.focus()"  # before it is hidden a menu holds the focus


class SearchFields:
    """Gone where there are no fields; ``search`` is the input it writes into."""

    def __init__(self, search: ui.input) -> None:
        self.search = search
        self.names: list[str] = []
        with search.add_slot("append"):
            self.button = ui.button(icon="filter_alt").props("flat round dense color=grey-7")
        self.button.props["aria-label"] = "Search in one field"
        with self.button:
            self.menu = ui.menu().props("no-refocus max-height=360px").classes("min-w-[200px]")
        self.menu.on("hide", js_handler=_FOCUS % search.id)
        self.button.set_visibility(False)

    def show(self, names: list[str]) -> None:
        """Other fields; an open menu stays while they are the same."""
        if names == self.names:
            return
        self.names = names
        self.button.set_visibility(bool(names))
        self.menu.clear()
        with self.menu:
            for name in names:
                item = ui.menu_item(name).on("click", js_handler=_WRITE)
                item.props["data-field"], item.props["data-target"] = name, str(self.search.id)
            if names:
                example = f'Finds a word in that field only. Or type it: {names[0]}:word, {names[0]}:"two words"'
                ui.label(example).classes("text-xs cm-mute px-4 py-2 max-w-[260px]").style("overflow-wrap:anywhere")
