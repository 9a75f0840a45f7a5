"""A file is attached to a draft in a real browser, survives a reload, is seen where the mail is, and arrives."""

import re
from email import message_from_bytes, policy
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from core import db
from core.content import attached
from core.models import Campaign
from tests.conftest import Stack
from tests.e2e.axe import assert_accessible
from tests.e2e.product import eventually, provider
from tests.e2e.test_body import _draft, _product, _send_now

BODY = '<div>The agenda is attached. <a href="{{ view_url }}">View in browser</a></div>'
PDF = b"%PDF-1.7 the agenda " * 5_000


async def test_a_file_is_attached_and_arrives(sqlite_stack: Stack, tmp_path: Path) -> None:
    for name, data in {"Tagesordnung März.pdf": PDF, "setup.exe": b"MZ", "notes.txt": b"Notes"}.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "film.mp4").write_bytes(b"x" * (attached.MOST_BYTES + 1))
    with provider({}) as server:
        async with _product(sqlite_stack, server) as (context, web, user_id, console):
            page = console.listen(await context.new_page())
            draft = _draft(user_id, name="Agenda", subject="Agenda", body=BODY)
            await page.goto(f"{web}/campaigns/{draft}/edit")
            await _attach(page, tmp_path)
            await _refused(page, tmp_path)
            console.wrong = [line for line in console.wrong if "413" not in line and "422" not in line]
            await page.reload()
            await expect(_files(page)).to_have_count(2)
            await _take_out(page)
            await _send_now(page)
            await eventually(lambda: len(server.accepted) == 1, "nothing arrived")
            await expect(page.get_by_text("Tagesordnung März.pdf")).to_have_count(0)
            await page.get_by_role("button", name="View mail").click()
            await expect(page.get_by_role("dialog").get_by_text("Attached: Tagesordnung März.pdf (")).to_be_visible()
            [address] = re.findall(rf"{web}/v/[\w-]{{32}}", _words(server.accepted[0][1]))
            await page.goto(address)
            await expect(page.get_by_role("link", name="View in browser")).to_have_attribute("href", address)
            await eventually(lambda: _is_opened(draft), "the mail in the browser was not counted as opened")
    parsed = message_from_bytes(server.accepted[0][1], policy=policy.default)
    [part] = parsed.iter_attachments()
    assert (part.get_filename(), part.get_payload(decode=True)) == ("Tagesordnung März.pdf", PDF)


def _words(raw: bytes) -> str:
    plain = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
    assert plain is not None
    return str(plain.get_content())


def _is_opened(campaign_id: int) -> bool:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).opened_count == 1


def _files(page: Page) -> Locator:
    return page.get_by_role("list", name="Attachments").get_by_role("listitem")


async def _attach(page: Page, folder: Path) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").click()
    await (await chooser.value).set_files([folder / "Tagesordnung März.pdf", folder / "notes.txt"])
    await expect(_files(page)).to_have_count(2)
    await expect(_files(page).first).to_contain_text("100 KB")
    await expect(page.get_by_text("Attached: Tagesordnung März.pdf (100 KB), notes.txt (1 KB)")).to_be_visible()
    await assert_accessible(page)


async def _refused(page: Page, folder: Path) -> None:
    choose = page.get_by_label("Files to attach")
    await choose.set_input_files(folder / "setup.exe")
    await expect(page.get_by_text("so setup.exe was not attached.")).to_be_visible()
    await choose.set_input_files(folder / "film.mp4")
    await expect(page.get_by_text("A mail carries at most 5 MB of files.")).to_be_visible()
    await expect(_files(page)).to_have_count(2)


async def _take_out(page: Page) -> None:
    await page.get_by_role("button", name="Remove notes.txt").click()
    await page.get_by_role("dialog").get_by_role("button", name="Take out").click()
    await expect(_files(page)).to_have_count(1)
