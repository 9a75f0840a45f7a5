"""GET asks, POST acts (RFC 8058 one-click: no cookie, no redirect, any form content type); ``?again`` takes it back."""

import asyncio
from collections.abc import Callable
from html import escape

from fastapi import FastAPI
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from campaign_ui.endpoints import reader
from core import crypto, db
from core.audience import addresses
from core.content import languages
from core.tracking import unsubscribe

_FORM = '<form method="post" action="{way}"><button type="submit">{words}</button></form>'


def register(app: FastAPI) -> None:
    app.add_route("/u/{token}", _ask, methods=["GET", "HEAD"])
    app.add_route("/u/{token}", _act, methods=["POST"])


async def _ask(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    found = await asyncio.to_thread(_find, message_id) if message_id is not None else None
    if found is None:
        return reader.gone(request)
    if found.reason:
        return _done(found)
    words = languages.of(found.language)
    form = _FORM.format(way="?", words=words.leave)
    return reader.page(words.leave_asked, f"<p>{_said(words.will_stop, found)}</p>{form}", language=words.code)


async def _act(request: Request) -> Response:
    message_id = crypto.verify("unsubscribe", request.path_params["token"])
    act = unsubscribe.subscribe_again if "again" in request.query_params else unsubscribe.unsubscribe
    found = await asyncio.to_thread(_changed, act, message_id) if message_id is not None else None
    return reader.gone(request) if found is None else _done(found)


def _done(found: unsubscribe.Subscription) -> Response:
    words = languages.of(found.language)
    if not found.reason:
        return reader.page(words.is_back, f"<p>{_said(words.comes_again, found)}</p>", language=words.code)
    form = _FORM.format(way="?again", words=words.again) if found.may_return else ""
    return reader.page(words.left, f"<p>{_said(words.has_stopped, found)}</p>{form}", language=words.code)


def _said(sentence: str, found: unsubscribe.Subscription) -> str:
    """As HTML; a name that ends with a dot ends the sentence."""
    if found.from_name.endswith("."):
        sentence = sentence.replace("{name}.", "{name}")
    return sentence.format(email=escape(addresses.shown(found.email)), name=escape(found.from_name))


def _find(message_id: int) -> unsubscribe.Subscription | None:
    with db.reading() as session:
        return unsubscribe.find(session, message_id)


def _changed(act: Callable[[Session, int], bool], message_id: int) -> unsubscribe.Subscription | None:
    with db.session() as session:
        return unsubscribe.find(session, message_id) if act(session, message_id) else None
