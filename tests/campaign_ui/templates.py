"""Templates, and their page and form, for the tests of both."""

from nicegui import ElementFilter, ui
from nicegui.testing import User as Browser
from nicegui.testing.user_interaction import UserInteraction

from core import db
from core.content import templates
from core.models import Template

BODY = "<style>p{color:red}</style><p>Hi {{ first_name }}</p><script>alert(1)</script>"


def stored(user_id: int, name: str = "Monthly", **changes: str) -> int:
    with db.session() as session:
        made = templates.create(session, user_id, name, **{"subject": "Hello", "body": BODY, **changes})
        assert made.id is not None
        return made.id


def names(user_id: int) -> list[str]:
    with db.reading() as session:
        return [template.name for template in templates.list_all(session, user_id)]


def kept(user_id: int, template_id: int) -> Template:
    with db.reading() as session:
        return templates.get(session, user_id, template_id)


def named(browser: Browser, kind: type[ui.element], name: str) -> list[ui.element]:
    with browser:
        return [
            each
            for each in ElementFilter(kind=kind)
            if name in (getattr(each, "text", None), each.props.get("label"), each.props.get("aria-label"))
        ]


def fill(browser: Browser, label: str, text: str) -> None:
    (field,) = named(browser, ui.input, label)
    UserInteraction(browser, {field}, None).clear().type(text)


def write(browser: Browser, text: str) -> None:
    """Into the source of HTML, the words of the other kinds."""
    with browser:
        for view in ElementFilter(kind=ui.toggle):
            if view.props.get("aria-label") == "HTML as":
                view.set_value("source")
    with browser:
        (body,) = [*ElementFilter(kind=ui.codemirror), *ElementFilter(kind=ui.editor)]
        body.set_value(text)


def menu_item(browser: Browser, words: str) -> ui.element:
    with browser:
        (found,) = [
            each
            for each in ElementFilter(kind=ui.menu_item)
            if any(getattr(part, "text", "") == words for part in each.descendants())
        ]
        return found


def frames(browser: Browser) -> list[ui.element]:
    with browser:
        return [each for each in ElementFilter(kind=ui.element) if each.tag == "iframe"]


def shown(browser: Browser) -> ui.element:
    """The frame of the preview."""
    [frame] = [each for each in frames(browser) if "data-mail" in each.props]
    return frame
