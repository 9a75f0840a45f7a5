"""Still life as one element. Each element of NiceGUI costs 2 kB of memory a tab and 0.2 ms to build: what only shows

something, and nobody clicks, is cheaper as a piece of HTML. Values are escaped; only ``fill`` and ``icon`` make Markup.
"""

from markupsafe import Markup
from nicegui.elements.mixins.content_element import ContentElement

# The classes that Quasar gives the parts of an item in a menu.
SECTION = "q-item__section column q-item__section--main justify-center"
SIDE_SECTION = "q-item__section column q-item__section--side justify-center"


def fill(template: str, *values: object, **named: object) -> Markup:
    """``template`` is ours and HTML; the values are anybody's and text, unless they are Markup themselves."""
    return Markup(template).format(*values, **named)


def icon(name: str, classes: str = "") -> Markup:
    """What ``ui.icon`` draws."""
    return fill('<i class="q-icon notranslate material-icons {}" aria-hidden="true">{}</i>', classes, name)


class Html(ContentElement):
    """``content`` in a ``tag``; ``set`` shows another one."""

    def __init__(self, content: Markup, tag: str = "div") -> None:
        super().__init__(content=_checked(content), tag=tag)

    def set(self, content: Markup) -> None:
        self.content = _checked(content)


def _checked(content: Markup) -> str:
    if not isinstance(content, Markup):
        raise TypeError("text is not HTML: use fill()")
    return str(content)
