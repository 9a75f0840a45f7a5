"""The page that a reader of a mail sees: plain HTML without script, cookie or anything to fetch."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.content import languages

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root{{color-scheme:light dark}}
body{{margin:0;min-height:100vh;display:grid;place-items:center;font:16px/1.5 ui-sans-serif,system-ui,sans-serif;
background:#f6f7fb;color:#171a2b}}
main{{background:#fff;border:1px solid #e6e8f0;border-radius:16px;padding:40px;margin:16px;
max-width:420px;text-align:center}}
h1{{font-size:22px;margin:0 0 12px}}p{{margin:0 0 24px;color:#5c6380;overflow-wrap:anywhere}}p:last-child{{margin:0}}
button{{font:inherit;font-weight:600;border:0;border-radius:10px;padding:12px 24px;
background:#4f46e5;color:#fff;cursor:pointer}}
button:focus-visible{{outline:3px solid #a5b4fc;outline-offset:2px}}
@media(prefers-color-scheme:dark){{body{{background:#0e1017;color:#eceef6}}
main{{background:#161923;border-color:#262b3a}}p{{color:#9aa1bb}}}}
</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def page(title: str, body: str, status: int = 200, language: str = languages.ENGLISH) -> Response:
    """``body`` is HTML."""
    return HTMLResponse(_PAGE.format(title=title, body=body, language=language), status, headers=HEADERS)


def gone(request: Request) -> Response:
    """What a link says that leads nowhere: cut off, forged, or of a mail that is gone."""
    words = _wanted(request)
    return page(words.broken, f"<p>{words.broken_why}</p>", 404, words.code)


def later(request: Request) -> Response:
    """What a link says while the database is away."""
    words = _wanted(request)
    return page(words.later, f"<p>{words.later_why}</p>", 503, words.code)


def _wanted(request: Request) -> languages.Words:
    return languages.accepted(request.headers.get("accept-language", ""))
