"""A choice in pills: what is shown of a list, each with its number."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from nicegui import ui

from campaign_ui.parts.markup import Html, fill

_PILL = '<div>{}</div><div class="font-semibold">{}</div>'


class Chips(ui.element):
    """``words``: value -> what it is called; ``choose`` is told which was pressed."""

    def __init__(
        self, name: str, words: Mapping[str, str], pressed: str, choose: Callable[[str], Awaitable[None]]
    ) -> None:
        super().__init__("div")
        self.words, self.choose, self.pressed = words, choose, pressed
        self.classes("flex flex-wrap gap-2").props("role=group").props["aria-label"] = name
        with self:
            self.buttons = {value: self._button(value) for value in words}
        self.press(pressed)

    def show(self, counts: Mapping[str, int], always: Collection[str]) -> None:
        """The numbers; those with none are hidden, but for ``always`` and the one that is pressed."""
        for value, button in self.buttons.items():
            button.set(fill(_PILL, self.words[value], f"{counts.get(value, 0):,}"))
            button.set_visibility(bool(counts.get(value)) or value in always or value == self.pressed)

    def press(self, value: str) -> None:
        """Show ``value`` as the one that is chosen."""
        self.pressed = value
        for each, button in self.buttons.items():
            button.props(f"aria-pressed={'true' if each == value else 'false'}")

    def _button(self, value: str) -> Html:
        button = Html(fill(""), "button").classes("cm-chip").props("type=button")
        button.on("click", lambda: self._choose(value))
        return button

    async def _choose(self, value: str) -> None:
        self.press(value)
        await self.choose(value)
