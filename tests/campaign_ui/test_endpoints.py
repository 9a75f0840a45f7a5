"""The routes a reader's mail client and a load balancer call, on the outer app alone."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from campaign_ui.endpoints import audience, health, palette, recipients, tracking, unsubscribe
from core import accounts, config, crypto, db
from core.audience import contacts, parse, suppression
from core.models import Campaign, CampaignLink, LinkClick, Message, MessageState, Sender, Suppression
from tests import rows
from tests.conftest import Stack


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    for endpoint in (audience, tracking, health, unsubscribe, recipients, palette):
        endpoint.register(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reader.test") as client:
        yield client


def _message(state: MessageState = MessageState.sent, of: str = "alice@example.com") -> int:
    with db.session() as session:
        _, (message_id,) = rows.sent_campaign(session, rows.user(session, of), [state])
    return message_id


def _link(url: str) -> int:
    with db.session() as session:
        link = CampaignLink(campaign_id=1, url=url)
        session.add(link)
        session.flush()
        assert link.id is not None
        return link.id


async def test_an_opened_mail_is_counted_when_the_picture_arrives_and_no_cookie_is_set(web: httpx.AsyncClient) -> None:
    message_id = _message()
    url = f"/t/o/{crypto.sign('open', message_id)}.gif"
    for _ in range(2):
        answer = await web.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.content == tracking.GIF and "set-cookie" not in answer.headers
        with db.reading() as session:
            assert session.get_one(Message, message_id).opened_at is not None
            assert session.get_one(Campaign, 1).opened_count == 1


@pytest.mark.parametrize("token", ["", "x", "%00", "A" * 32, "A" * 5000, "é" * 32])
async def test_a_forged_token_gets_the_same_picture_and_changes_nothing(web: httpx.AsyncClient, token: str) -> None:
    message_id = _message()
    for forged in (token, crypto.sign("unsubscribe", message_id)):
        answer = await web.get(f"/t/o/{forged}.gif")
        assert answer.status_code in (200, 404)
        assert answer.status_code == 404 or answer.content == tracking.GIF
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is None


async def test_a_prefetching_head_request_is_no_open(web: httpx.AsyncClient) -> None:
    message_id = _message()
    assert (await web.head(f"/t/o/{crypto.sign('open', message_id)}.gif")).status_code == 200
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is None


async def test_with_the_database_away_the_picture_still_comes_and_the_open_is_kept(
    sqlite_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = _message()
    app = FastAPI()
    tracking.register(app)
    url = f"/t/o/{crypto.sign('open', message_id)}.gif"
    settings = config.settings
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reader.test") as client:
        db.connect("sqlite:////nowhere/at/all.db")
        assert (await client.get(url)).content == tracking.GIF
        config.use(settings)
        db.connect()
        await app.state.hits.drain()
    with db.reading() as session:
        assert session.get_one(Message, message_id).opened_at is not None


def _click(message_id: int, link: int) -> str:
    return f"{crypto.sign('click', message_id)}.{crypto.sign('link', link)}"


async def test_a_click_is_counted_and_leads_to_the_address_of_the_campaign_alone(web: httpx.AsyncClient) -> None:
    message_id = _message(MessageState.unknown)
    link = _link("https://shop.example/?a=1&b=%C3%A9#c")
    url = f"/t/c/{_click(message_id, link)}"
    for fetched_ahead in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert (await web.get(url, headers=fetched_ahead)).status_code == 302
    assert (await web.head(url)).status_code == 302
    with db.reading() as session:
        assert session.get_one(Message, message_id).clicked_at is None
    for _ in range(2):
        answer = await web.get(url + "?url=https://evil.example&to=//evil.example")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/?a=1&b=%C3%A9#c")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert "set-cookie" not in answer.headers
        with db.reading() as session:
            message, campaign = session.get_one(Message, message_id), session.get_one(Campaign, 1)
            assert [(row.link_id, row.message_id) for row in session.exec(select(LinkClick))] == [(link, message_id)]
        assert message.clicked_at is not None and message.opened_at is not None and message.state == MessageState.sent
        assert (campaign.clicked_count, campaign.opened_count, campaign.unknown_count) == (1, 1, 0)


async def test_a_click_at_a_link_with_merge_fields_leads_to_the_address_of_its_own_mail(web: httpx.AsyncClient) -> None:
    message_id, other_id = _message(), _message(of="charlie@example.com")
    link = _link("https://shop.example/{{ City | default: 'Wien' }}?n={{ plz }}&to={{ email }}")
    for fields, leads in (
        ({"plz": "1010&admin=1", "email": "x@evil.example"}, "Wien?n=1010%26admin%3D1"),
        ({"city": "//evil.example/\r\nX: ü"}, "%2F%2Fevil.example%2F%0D%0AX%3A%20%C3%BC?n="),
    ):
        with db.session() as session:
            message = session.get_one(Message, message_id)
            message.fields, message.contact_id = fields, None
        answer = await web.get(f"/t/c/{_click(message_id, link)}")
        assert answer.headers["location"] == f"https://shop.example/{leads}&to=r0%40example.com"
    stranger = await web.get(f"/t/c/{_click(other_id, link)}")
    assert stranger.status_code == 404 and "location" not in stranger.headers
    with db.reading() as session:
        assert [(row.link_id, row.message_id) for row in session.exec(select(LinkClick))] == [(link, message_id)]
        assert session.get_one(Message, other_id).clicked_at is None
    with db.session() as session:
        session.delete(session.get_one(Campaign, 1))
    assert (await web.get(f"/t/c/{_click(message_id, link)}")).status_code == 404


async def test_a_forged_click_leads_nowhere(web: httpx.AsyncClient) -> None:
    message_id, link = _message(), _link("https://shop.example/")
    good = _click(message_id, link)
    changed = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in (0, 31, 33, len(good) - 1)]
    other = f"{crypto.sign('open', message_id)}.{good.partition('.')[2]}"
    for token in ("x", ".x", "A" * 65, *changed, other, _click(message_id, link + 1), "é" * 65):
        answer = await web.get(f"/t/c/{token}")
        assert answer.status_code == 404 and "location" not in answer.headers and "does not work" in answer.text
    with db.reading() as session:
        assert session.get_one(Message, message_id).clicked_at is None


async def test_with_the_database_away_a_known_link_still_leads_on_and_the_click_is_kept(
    sqlite_stack: Stack,
) -> None:
    message_id, known, new = _message(), _link("https://shop.example/"), _link("https://new.example/")
    mine, unknown = (f"/t/c/{_click(message_id, link)}" for link in (known, new))
    app = FastAPI()
    tracking.register(app)
    settings = config.settings
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reader.test") as client:
        assert (await client.get(f"/t/c/{_click(message_id + 1, known)}")).status_code == 302
        db.connect("sqlite:////nowhere/at/all.db")
        assert (await client.get(mine)).headers["location"] == "https://shop.example/"
        later = await client.get(unknown)
        assert later.status_code == 503 and "again in a minute" in later.text
        config.use(settings)
        db.connect()
        await app.state.hits.drain()
    with db.reading() as session:
        assert session.get_one(Message, message_id).clicked_at is not None


async def test_unsubscribing_asks_on_get_and_acts_on_post(web: httpx.AsyncClient) -> None:
    url = f"/u/{crypto.sign('unsubscribe', _message())}"
    asked = await web.get(url)
    assert asked.status_code == 200 and "<button" in asked.text and "r0@example.com" in asked.text
    assert _suppressed() == []
    acted = await web.post(url, data={"List-Unsubscribe": "One-Click"})
    assert acted.status_code == 200 and "set-cookie" not in acted.headers
    assert _suppressed() == ["r0@example.com"]
    multipart = await web.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert multipart.status_code == 200
    assert "gets no more mail" not in asked.text and "gets no more mail" in (await web.get(url)).text


async def test_a_name_that_ends_with_a_dot_ends_the_sentence(web: httpx.AsyncClient) -> None:
    message_id = _message()
    with db.session() as session:
        session.get_one(Sender, 1).from_name = "TSV e.V."
    assert "no more mail from TSV e.V.</p>" in (await web.get(f"/u/{crypto.sign('unsubscribe', message_id)}")).text


async def test_a_reader_who_unsubscribed_by_mistake_comes_back(web: httpx.AsyncClient) -> None:
    url = f"/u/{crypto.sign('unsubscribe', _message())}"
    assert 'action="?again"' not in (await web.get(url)).text
    assert 'action="?again"' in (await web.post(url)).text and 'action="?again"' in (await web.get(url)).text
    assert (await web.get(f"{url}?again")).status_code == 200 and _suppressed() == ["r0@example.com"]
    back = await web.post(f"{url}?again")
    assert "You are subscribed again" in back.text and "<form" not in back.text and _suppressed() == []
    assert ">Unsubscribe</button>" in (await web.get(url)).text


async def test_readers_are_answered_in_the_language_of_the_campaign(web: httpx.AsyncClient) -> None:
    url = f"/u/{crypto.sign('unsubscribe', _message())}"
    with db.session() as session:
        session.get_one(Campaign, 1).language = "de"
    asked = (await web.get(url, headers={"Accept-Language": "fr"})).text
    assert '<html lang="de">' in asked and ">Abmelden</button>" in asked
    assert "r0@example.com erhält dann keine E-Mails mehr von " in asked
    for answer in (await web.post(url), await web.get(url)):
        assert "Sie sind abgemeldet" in answer.text and "r0@example.com erhält keine E-Mails mehr von " in answer.text


@pytest.mark.parametrize("path", ["/u/x", "/t/c/x"])
async def test_a_link_that_leads_nowhere_says_so_in_the_language_of_the_browser(
    web: httpx.AsyncClient, path: str
) -> None:
    answer = await web.get(path, headers={"Accept-Language": "fr-FR,fr;q=0.9"})
    assert answer.status_code == 404 and '<html lang="fr">' in answer.text
    assert "Ce lien ne fonctionne pas" in answer.text


async def test_a_forged_unsubscribe_link_is_refused(web: httpx.AsyncClient) -> None:
    message_id = _message()
    for token in ("x", "A" * 32, crypto.sign("open", message_id)):
        assert (await web.get(f"/u/{token}")).status_code == 404
        assert (await web.post(f"/u/{token}")).status_code == 404
    assert _suppressed() == []


async def test_readers_see_their_own_address_with_its_letters(web: httpx.AsyncClient) -> None:
    message_id = _message()
    with db.session() as session:
        session.get_one(Message, message_id).email = "<b>@xn--mller-kva.de"
    text = (await web.get(f"/u/{crypto.sign('unsubscribe', message_id)}")).text
    assert "<p>&lt;b&gt;@müller.de will get no more mail" in text


async def test_the_name_of_a_sender_cannot_become_html(web: httpx.AsyncClient) -> None:
    message_id = _message()
    with db.session() as session:
        session.get_one(Sender, 1).from_name = "<script>alert(1)</script>"
    text = (await web.get(f"/u/{crypto.sign('unsubscribe', message_id)}")).text
    assert "<script" not in text and "&lt;script" in text


async def test_health_says_what_is_there(web: httpx.AsyncClient) -> None:
    assert (await web.get("/healthz")).json() == {"status": "ok"}
    assert (await web.get("/readyz")).json() == {"status": "ok", "database": "ok", "queue": "ok"}


async def test_readiness_fails_without_the_database(web: httpx.AsyncClient) -> None:
    db.connect("sqlite:////nowhere/at/all.db")
    answer = await web.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "unavailable")


def _suppressed() -> list[str]:
    with db.reading() as session:
        return [row.email for row in session.exec(select(Suppression))]


async def test_the_owner_downloads_the_ledger_and_a_stranger_does_not(web: httpx.AsyncClient) -> None:
    with db.session() as session:
        owner, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id, (first, _) = rows.sent_campaign(session, owner, [MessageState.sent, MessageState.failed])
        session.get_one(Message, first).reply = '=HYPERLINK("http://evil.test")'
        session.get_one(Message, first).opened_at = datetime(2026, 11, 22, 3, 57, 12, tzinfo=UTC)
        tokens = [accounts.start_session(session, user_id) for user_id in (owner, charlie)]
    url = f"/campaigns/{campaign_id}/recipients.csv"
    assert (await web.get(url)).status_code == 303
    answers = [await web.get(url, headers={"Cookie": f"session={token}"}) for token in tokens]
    assert [answer.status_code for answer in answers] == [200, 404]
    lines = list(csv.DictReader(io.StringIO(answers[0].content.decode("utf-8-sig"))))
    assert list(lines[0]) == ["email", "state", "attempts", "sent_at", "opened_at", "reply"]
    assert [(row["email"], row["state"]) for row in lines] == [("r0@example.com", "sent"), ("r1@example.com", "failed")]
    assert [row["opened_at"] for row in lines] == ["2026-11-22T03:57:12+00:00", ""]
    assert lines[0]["reply"] == '\'=HYPERLINK("http://evil.test")' and lines[0]["sent_at"].endswith("+00:00")
    assert "r0@example.com" not in answers[1].text
    beyond = f"/campaigns/{'9' * 30}/recipients.csv"
    assert (await web.get(beyond, headers={"Cookie": f"session={tokens[0]}"})).status_code == 404


async def test_contacts_and_the_suppression_list_are_exported_to_their_owner_only(web: httpx.AsyncClient) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        tokens = [accounts.start_session(session, user_id) for user_id in (alice, charlie)]
    list_id = contacts.store(alice, parse.parse_text("email,name\na@example.com,@cmd\n"), "members").list_id
    with db.session() as session:
        suppression.suppress(session, alice, "gone@example.com", "bounced", detail="=1+1")
    urls = ("/audience/contacts.csv", f"/audience/contacts.csv?list={list_id}", "/audience/suppressed.csv")
    for url, words in zip(
        urls, ("a@example.com,'@cmd,", "a@example.com,'@cmd,", "gone@example.com,bounced,'=1+1,"), strict=True
    ):
        web.cookies.clear()
        assert (await web.get(url)).status_code == 303
        hers, his = [await web.get(url, headers={"Cookie": f"session={token}"}) for token in tokens]
        assert words in hers.text and hers.headers["content-disposition"].startswith("attachment")
        assert "example.com" not in his.text and his.status_code == (404 if "list=" in url else 200)
    for wanted in ("x", "9" * 30):
        answer = await web.get(f"/audience/contacts.csv?list={wanted}", headers={"Cookie": f"session={tokens[0]}"})
        assert answer.status_code == 404


async def test_the_palette_shows_pages_and_what_is_the_users_own(web: httpx.AsyncClient) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id = rows.campaign(session, alice, status="sent", name="<b>Sandy</b>")
        tokens = [accounts.start_session(session, user_id) for user_id in (alice, charlie)]
    found = []
    for token in tokens:
        web.cookies.set("session", token)
        answer = await web.get("/palette.json", params={"q": "sand"})
        assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
        sections = answer.json()["sections"]
        found.append([(line["text"], line["href"]) for section in sections for line in section["lines"]])
    assert found == [
        [("Sandbox", "/sandbox"), ("<b>Sandy</b>", f"/campaigns/{campaign_id}")],
        [("Sandbox", "/sandbox")],
    ]
    web.cookies.clear()
    assert (await web.get("/palette.json?q=sand")).status_code == 401
