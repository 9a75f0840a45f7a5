"""Images over plain HTTP: in from a signed-in browser of ours only, out to everybody who knows the address."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from campaign_ui.endpoints import images as endpoint
from campaign_ui.guard import Guard, SecurityHeaders
from core import accounts, crypto, db
from core.content import images
from core.models import Image
from tests import rows
from tests.conftest import Stack
from tests.core.content.test_picture import drawn


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    endpoint.register(app)
    app.add_middleware(Guard)
    app.add_middleware(SecurityHeaders)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.test") as client:
        yield client


def _sign_in(web: httpx.AsyncClient, email: str = "alice@example.com") -> int:
    with db.session() as session:
        user_id = rows.user(session, email)
        web.cookies.set("session", accounts.start_session(session, user_id))
    return user_id


def _kept(user_id: int) -> list[Image]:
    with db.reading() as session:
        return images.list_all(session, user_id)


async def test_an_upload_is_kept_and_everybody_with_its_address_may_see_it(web: httpx.AsyncClient) -> None:
    alice = _sign_in(web)
    raw = drawn("JPEG", (2000, 900))
    answer = await web.post("/images", content=raw, headers={"X-File-Name": "Das%20Meer%2F..%2F%C3%A9.jpg"})
    [image] = _kept(alice)
    assert (answer.status_code, answer.json()) == (201, {"id": image.id, "path": images.path(image)})
    assert (image.name, image.width, image.height) == ("Das Meer .. é.jpg", 1200, 540)
    web.cookies.clear()
    shown = await web.get(images.path(image))
    assert shown.status_code == 200 and shown.content[:3] == b"\xff\xd8\xff" and len(shown.content) == image.size
    headers = shown.headers
    assert headers["content-type"] == "image/jpeg" and headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "public, max-age=31536000, immutable" and "set-cookie" not in headers
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    known = await web.get(images.path(image), headers={"If-None-Match": headers["etag"]})
    assert known.status_code == 304 and known.content == b""


async def test_a_deleted_image_and_a_made_up_address_are_not_found(web: httpx.AsyncClient) -> None:
    alice = _sign_in(web)
    await web.post("/images", content=drawn("PNG", (9, 9)))
    [image] = _kept(alice)
    path = images.path(image)
    wrong = [path.replace(path[3:35], crypto.sign("open", image.id or 0)), path[:-3] + "svg", "/i/x.png"]
    wrong += [path.replace("AAAA", "AAAB", 1), f"/i/{'A' * 5000}.png", "/i/%00.png"]
    assert [(await web.get(each)).status_code for each in wrong] == [404] * len(wrong)
    with db.session() as session:
        images.delete(session, alice, image.id or 0)
    assert (await web.get(path)).status_code == 404


async def test_nobody_without_a_session_and_no_other_site_can_upload(web: httpx.AsyncClient) -> None:
    raw = drawn("PNG", (9, 9))
    assert (await web.post("/images", content=raw)).status_code == 401
    web.cookies.set("session", "made up")
    assert "Load the page again" in (await web.post("/images", content=raw)).json()["error"]
    web.cookies.clear()
    alice = _sign_in(web)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await web.post("/images", content=raw, headers=headers)).status_code == 403
    assert (await web.get("/images")).status_code == 405 and _kept(alice) == []


@pytest.mark.parametrize(
    "body", [b"", b"<svg onload='alert(1)'/>", b"GIF89a<script>", b"\x89PNG\r\n\x1a\n" + b"\0" * 99]
)
async def test_what_is_no_picture_is_refused_in_a_sentence(web: httpx.AsyncClient, body: bytes) -> None:
    alice = _sign_in(web)
    answer = await web.post("/images", content=body, headers={"Content-Type": "image/png", "X-File-Name": "a.png"})
    assert answer.status_code == 422 and "JPEG, PNG, GIF or WebP" in answer.json()["error"] and _kept(alice) == []


async def test_too_much_is_refused_before_it_is_all_read(web: httpx.AsyncClient) -> None:
    _sign_in(web)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(400):
            sent += 1
            yield b"\xff" * 100_000

    assert (await web.post("/images", content=endless())).status_code == 413
    assert sent <= 110
