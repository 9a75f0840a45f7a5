"""GET asks, POST acts (RFC 8058 one-click: no cookie, no redirect, any form content type)."""

import asyncio
from html import escape

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core import crypto, db
from core.tracking import unsubscribe

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
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


def register(app: FastAPI) -> None:
    app.add_route("/u/{token}", _ask, methods=["GET", "HEAD"])
    app.add_route("/u/{token}", _act, methods=["POST"])


async def _ask(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    found = await asyncio.to_thread(_find, message_id) if message_id is not None else None
    if found is None:
        return _gone()
    email, name = escape(found.email), escape(found.from_name)
    if found.is_over:
        return _page("You are unsubscribed", f"<p>{email} gets no more mail from {name}.</p>")
    form = '<form method="post"><button type="submit">Unsubscribe</button></form>'
    return _page("Unsubscribe?", f"<p>{email} will get no more mail from {name}.</p>{form}")


async def _act(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    if message_id is None or not await asyncio.to_thread(_unsubscribe, message_id):
        return _gone()
    return _page("You are unsubscribed", "<p>You will get no more mail from this sender.</p>")


def _find(message_id: int) -> unsubscribe.Subscription | None:
    with db.reading() as session:
        return unsubscribe.find(session, message_id)


def _unsubscribe(message_id: int) -> bool:
    with db.session() as session:
        return unsubscribe.unsubscribe(session, message_id)


def _gone() -> Response:
    text = "<p>It may have been cut off by your mail program. Use the link in the mail again, or answer the mail.</p>"
    return _page("This link does not work", text, 404)


def _page(title: str, body: str, status: int = 200) -> Response:
    return HTMLResponse(_PAGE.format(title=title, body=body), status, headers=_HEADERS)
