"""Pages that are plain HTML, without NiceGUI: sign-in, errors, what a mail reader sees. Everything is escaped."""

import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse

HERE = Path(__file__).parent
STATIC = HERE.parent / "static"
_HOME = "Go to the dashboard"
_AGAIN = 5  # seconds

_templates = Environment(
    loader=FileSystemLoader(HERE), autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True
)


@functools.cache
def version() -> str:
    """Changes with our style sheets and scripts, so that browsers may keep them for ever."""
    ours = sorted(path for path in STATIC.iterdir() if path.suffix in (".css", ".js"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in ours)).hexdigest()[:10]


def page(template: str, status: int = 200, **words: Any) -> HTMLResponse:
    """One of our templates with these words, never kept by a cache."""
    text = _templates.get_template(template).render(version=version(), **words)
    return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def message(title: str, text: str, status: int = 200, *, href: str = "/", **more: Any) -> HTMLResponse:
    """A page with one thing to say and at most one ``button``: a link to ``href``, or a form posted to ``post``.

    ``number``: shown large; ``again``: the browser asks again after so many seconds.
    """
    return page("message.html", status, title=title, text=text, href=href, **more)


def not_found() -> HTMLResponse:
    """What a page builder returns for something that is not there, or belongs to somebody else."""
    return message(
        "This page does not exist",
        "The address may be mistyped, or what it showed was deleted.",
        404,
        number="404",
        button=_HOME,
    )


def broken() -> HTMLResponse:
    """For an error of ours: no details, those are in the log."""
    return message(
        "Something went wrong here",
        "Nothing was lost. Load the page again; if it stays like this, the server's log tells why.",
        500,
        number="500",
        button=_HOME,
    )


def away(again: bool) -> HTMLResponse:
    """While the database is away; a page that can be asked for ``again`` comes back by itself."""
    text = "Nothing is lost; this page tries again by itself." if again else "Go back and try again in a moment."
    answer = message("The database is away", text, 503, number="503", again=_AGAIN if again else 0)
    answer.headers["Retry-After"] = str(_AGAIN)
    return answer
