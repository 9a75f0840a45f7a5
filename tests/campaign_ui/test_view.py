"""A mail in the browser: the reader's own, as it went out, for whoever holds its link, and nothing in it runs."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI

from campaign_ui.endpoints import view
from core import campaigns, config, crypto, db
from core.content import mail
from core.models import Campaign, Message
from core.tracking import links
from tests import rows
from tests.conftest import Stack
from tests.core.content.parsed import body, parse

BODY = (
    '<p>Hello {{ first_name }}, <a href="{{ view_url }}">view</a> <a href="https://shop.example/">shop</a> '
    '<a href="{{ unsubscribe_url }}">leave</a></p><script>alert(document.cookie)</script>'
)


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    config.use(config.load({**stack.env, "BASE_URL": "https://mail.example.com"}))
    app = FastAPI()
    view.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.test") as client:
        yield client


def _sent() -> tuple[int, int]:
    """(campaign, its message to Anna)."""
    with db.session() as session:
        user_id = rows.user(session)
        sender = rows.sender(session, user_id)
        campaign_id = rows.campaign(session, user_id, sender_id=sender.id, body=BODY, body_kind="html")
        links.keep(session, campaign_id, ["https://shop.example/"])
        made, values = session.get_one(Campaign, campaign_id), {"fields": {"first_name": "Anna <b>"}}
        return campaign_id, rows.message(session, made, "anna@example.org", "sent", db.now(session), **values)


def _mail(campaign_id: int, message_id: int) -> str:
    """The HTML part as it goes to the mail server."""
    with db.reading() as session:
        message = session.get_one(Message, message_id)
        compiled = mail.compile_mail(campaigns.content(session, session.get_one(Campaign, campaign_id)))
        raw = compiled.render(mail.Recipient(message_id, message.email, message.fields), datetime.now(UTC))
    return body(parse(raw), "html")


async def test_the_link_in_the_mail_shows_the_very_mail_and_runs_nothing(web: httpx.AsyncClient) -> None:
    went = _mail(*_sent())
    [path] = re.findall(r"https://mail\.example\.com(/v/[\w-]{32})", went)
    shown = await web.get(path)
    assert shown.status_code == 200 and shown.text.strip() == went.strip()
    assert "Hello Anna &lt;b&gt;" in shown.text and "/t/c/" in shown.text and "/t/o/" in shown.text
    policy = shown.headers["content-security-policy"].split("; ")
    assert policy[:2] == ["sandbox allow-popups allow-popups-to-escape-sandbox", "default-src 'none'"]
    assert not [each for each in policy if each.startswith("script-src")]
    assert shown.headers["cache-control"] == "no-store" and shown.headers["x-robots-tag"] == "noindex"
    assert shown.headers["content-type"] == "text/html; charset=utf-8" and "set-cookie" not in shown.headers


async def test_no_other_token_opens_it_and_a_deleted_campaign_is_gone(web: httpx.AsyncClient) -> None:
    campaign_id, message_id = _sent()
    others = [crypto.sign(purpose, message_id) for purpose in ("open", "unsubscribe", "click", "message", "image")]
    unknown = crypto.sign("view", message_id + 1), crypto.sign("view", (1 << 62) | 5)
    for token in (*others, *unknown, "x" * 32, "x"):
        refused = await web.get(f"/v/{token}", headers={"Accept-Language": "de"})
        assert refused.status_code == 404 and "Hello" not in refused.text and 'lang="de"' in refused.text
    with db.session() as session:
        session.get_one(Campaign, campaign_id).deleted_at = db.now(session)
    assert (await web.get(f"/v/{crypto.sign('view', message_id)}")).status_code == 404


async def test_with_the_database_away_the_reader_is_asked_to_come_back(web: httpx.AsyncClient) -> None:
    _, message_id = _sent()
    db.connect("sqlite:////nowhere/at/all.db")
    later = await web.get(f"/v/{crypto.sign('view', message_id)}")
    assert later.status_code == 503 and "again in a minute" in later.text
    db.connect()
