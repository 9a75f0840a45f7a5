"""The box that a mail's body is typed in, rich or code. What only a browser can do with it is in static/body.js."""

import json
from typing import Literal

from nicegui import Client, ui

from campaign_ui.plain import version
from core.models import BodyKind

# Run this where the editor has the class "body-now".
NAME_IT = "cmBody.name();"
# The class of a button that a Ctrl+Z with nothing else to undo in this box presses.
TAKES_BACK = "body-takes-back"
PASTE = "(event) => cmBody.paste(event, emit)"
CHOOSE = '(event) => { cmBody.take([...event.target.files], emit); event.target.value = ""; }'
# Each needs those before it.
_VISUAL = ("visual_source", "visual_mail", "visual_writing", "visual_blocks", "visual")


def add_script() -> None:
    """What the browser needs, and the look of it, for this page."""
    ui.add_head_html(f'<script src="/static/body.js?v={version()}"></script>')
    for name in ("code", "body_link", "body_table", "body_colours", *_VISUAL):
        ui.add_head_html(f'<script src="/static/{name}.js?v={version()}" defer></script>')
    ui.add_head_html(f'<link rel="stylesheet" href="/static/compose.css?v={version()}">')


def theme(is_dark: bool, kind: str) -> Literal["vscodeDark", "vscodeLight", "githubLight"]:
    """The colours of code, each with enough contrast for what this kind has in it."""
    if is_dark:
        return "vscodeDark"
    return "githubLight" if kind == BodyKind.markdown else "vscodeLight"


def insert(client: Client, editor: ui.element, text: str, what: Literal["block", "link", "pasted"]) -> None:
    """Put ``text`` (for the rich editor: sanitised HTML) at the cursor; a block on lines of its own."""
    client.run_javascript(f"cmBody.insert({editor.id}, {json.dumps(text)}, {json.dumps(what)})")
