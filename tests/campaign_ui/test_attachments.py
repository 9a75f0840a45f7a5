"""Attachments over plain HTTP: in and out for the signed-in owner of the campaign only."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from campaign_ui.endpoints import attachments as endpoint
from campaign_ui.guard import Guard, SecurityHeaders
from core import accounts, campaigns, db
from core.campaigns import attachments
from core.content import attached
from tests import rows
from tests.conftest import Stack


@pytest.fixture
async def web(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    endpoint.register(app)
    app.add_middleware(Guard)
    app.add_middleware(SecurityHeaders)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here.test") as client:
        yield client


def _sign_in(web: httpx.AsyncClient, email: str = "alice@example.com") -> tuple[int, str]:
    """(user, the address of the attachments of a draft of theirs)."""
    with db.session() as session:
        user_id = rows.user(session, email)
        web.cookies.set("session", accounts.start_session(session, user_id))
        return user_id, f"/campaigns/{campaigns.create(session, user_id).id}/attachments"


async def test_a_file_goes_in_and_comes_back_as_a_download_that_nothing_runs(web: httpx.AsyncClient) -> None:
    user_id, path = _sign_in(web)
    page = b"<script>alert(1)</script>"
    answer = await web.post(path, content=page, headers={"X-File-Name": "Gr%C3%BC%C3%9Fe%22.html"})
    assert answer.status_code == 201
    number = answer.json()["id"]
    given = await web.get(f"{path}/{number}")
    assert given.status_code == 200 and given.content == page
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"] == (
        "attachment; filename=\"Grusse.html\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.html"
    )
    assert given.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert given.headers["x-content-type-options"] == "nosniff" and given.headers["cache-control"] == "no-store"
    refused = await web.post(path, content=b"MZ", headers={"X-File-Name": "a.exe"})
    assert refused.status_code == 422 and "a.exe was not attached" in refused.json()["error"]
    large = await web.post(path, content=b"x" * (attached.MOST_BYTES + 1), headers={"X-File-Name": "a.pdf"})
    assert large.status_code == 413
    with db.reading() as session:
        assert len(attachments.listed(session, user_id, int(path.split("/")[2]))) == 1


async def test_strangers_and_other_sites_get_and_leave_nothing(web: httpx.AsyncClient) -> None:
    _, path = _sign_in(web)
    number = (await web.post(path, content=b"secret", headers={"X-File-Name": "a.pdf"})).json()["id"]
    other_site = await web.post(path, content=b"x", headers={"Origin": "https://evil.example"})
    assert other_site.status_code == 403
    _, own = _sign_in(web, "eve@example.com")
    for address in (f"{path}/{number}", f"{own}/{number}", f"{path}/{1 << 70}", f"/campaigns/{1 << 70}/attachments/1"):
        refused = await web.get(address)
        assert refused.status_code == 404 and b"secret" not in refused.content, address
    assert (await web.post(path, content=b"x", headers={"X-File-Name": "b.pdf"})).status_code == 404
    web.cookies.clear()
    assert (await web.post(path, content=b"x")).status_code == 401
    nobody = await web.get(f"{path}/{number}")
    assert nobody.status_code == 303 and nobody.headers["location"] == "/login"
