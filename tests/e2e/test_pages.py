"""Every page with realistic data: usable by everybody, in both themes, at a desk and on a phone."""

import contextlib
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import ConsoleMessage, Page, expect
from playwright.async_api import TimeoutError as TooLate
from sqlalchemy import update
from sqlmodel import select

from bench import sample
from core import crypto, db, migrate
from core.models import Campaign, Sender
from tests.conftest import using
from tests.e2e.axe import violations
from tests.e2e.product import chromium, free_port, running

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}

_SIDEWAYS = "document.documentElement.scrollWidth > innerWidth"
_TABLES_SCROLL = "[...document.querySelectorAll('.q-table__middle')].some(each => each.scrollWidth > each.clientWidth)"
# Nothing is on its way any more: the connection stands, words and pictures are here.
_SETTLED = """() => (!window.socket || socket.connected) && document.fonts.status === "loaded"
  && [...document.images].every((each) => each.complete || each.loading === "lazy")
  && !document.querySelector(".q-editor__toolbar a:not([role])")
  && ![...document.querySelectorAll(".cm-skeleton")].some((each) => each.checkVisibility())"""
# Everything that is touched, by its name, where it is less than 40 px high; links in a sentence are not meant.
_TOO_SMALL = """() => {
  const control = "button, input, textarea, [role=button], [role=tab], [role=switch], [role=checkbox], [role=combobox]";
  const around = ".q-field__control, .q-checkbox, .q-toggle, .q-radio, .border-dashed";
  return [...document.querySelectorAll(control)]
    .filter((each) => each.checkVisibility() && !each.closest("[aria-hidden=true]"))
    .filter((each) => (each.closest(around) ?? each).getBoundingClientRect().height < 39.5)
    .map((each) => each.getAttribute("aria-label") || each.innerText || each.className);
}"""


async def test_every_page_is_usable_by_everybody_in_both_themes_at_both_widths(tmp_path: Path) -> None:
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    env = {"DATA_DIR": str(tmp_path), "PORT": str(port), "SECRET_KEY": crypto.new_token(), "BASE_URL": web}
    paths = _fill(env)
    wrong: list[str] = []
    async with running("main.py", env, "Campaigns: "), chromium() as browser:
        context = await browser.new_context(viewport=DESK, reduced_motion="reduce", color_scheme="light")
        page = await context.new_page()
        page.on("console", lambda message: _note(page, message, wrong))
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        for path in ("/signup", "/login", "/nothing-is-here"):
            wrong += await _look(page, web, path)
        await context.request.post(f"{web}/login", form={"email": sample.EMAIL, "password": sample.PASSWORD})
        for path in paths:
            wrong += await _look(page, web, path)
            for number, opener in enumerate(_dialogs(paths).get(path, [])):
                if number:
                    await page.goto(web + path)  # without the dialog before
                await page.wait_for_function(_SETTLED)
                await opener(page)
                wrong += await _judge(page, f"the dialog of {path}")
    assert not wrong, "\n".join(wrong)


def _fill(env: dict[str, str]) -> list[str]:
    """Realistic data; returns the addresses of the pages."""
    with using(env):
        migrate.upgrade()
        running_id = sample.start_one(sample.fill())
        with db.session() as session:
            session.execute(update(Sender).values(per_minute=1))  # the pages are looked at here, not the engine
            ids = dict(session.exec(select(Campaign.name, Campaign.id)).all())
    draft, past, scheduled = (
        ids["December reading list"],
        ids["New arrivals, week 47"],
        ids["Black Friday early access"],
    )
    steps = [f"/campaigns/{draft}/edit{step}" for step in ("", "?step=audience", "?step=when")]
    lists = ["/", "/campaigns", "/audience", "/templates", "/templates/new", "/senders", "/sandbox"]
    lists += ["/settings", "/users"]
    reports = [f"/campaigns/{past}/report", f"/campaigns/compare?a={past}&b={past - 1}"]
    return [*lists, *steps, *reports, *(f"/campaigns/{number}" for number in (running_id, past, scheduled))]


def _dialogs(paths: list[str]) -> dict[str, list[Callable[[Page], Awaitable[None]]]]:
    return {
        "/audience": [_an_upload_that_was_read, _a_contact],
        "/senders": [_a_sender, _dkim],
        paths[-2]: [_a_timeline, _charts_as_tables, _a_list_of_recipients],
    }


async def _an_upload_that_was_read(page: Page) -> None:
    await page.get_by_role("button", name="Upload", exact=True).click()
    sheet = "email,first name,last name,city,plan,since,favourite\n" + "not an address\n" * 3
    sheet += "".join(f"reader{n}@example.com,Asha,Rao,Pune,Gold,2024-01-0{n},Crime novels\n" for n in range(1, 6))
    field = page.get_by_role("dialog").get_by_label("Upload", exact=True)
    await field.set_input_files({"name": "readers.csv", "mimeType": "text/csv", "buffer": sheet.encode()})
    await expect(page.get_by_role("button", name="Add 5 contacts")).to_be_visible()


async def _a_contact(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("^Edit ")).first.click()
    await expect(page.get_by_role("dialog").get_by_role("button", name="Save")).to_be_visible()


async def _a_sender(page: Page) -> None:
    await page.get_by_role("button", name="Add sender").first.click()
    await expect(page.get_by_role("dialog").get_by_role("button", name="Save")).to_be_visible()


async def _dkim(page: Page) -> None:
    await page.get_by_role("button", name=re.compile("DKIM")).first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Make keys").click()
    await expect(page.get_by_role("dialog").get_by_role("button", name=re.compile("^Check the")).first).to_be_visible()


async def _a_timeline(page: Page) -> None:
    await page.locator(".cm-open").first.click()
    await expect(page.get_by_role("dialog").get_by_role("button", name="Close")).to_be_visible()


async def _a_list_of_recipients(page: Page) -> None:
    await page.get_by_role("button", name="Make a list").click()
    await page.get_by_role("radio", name=re.compile("^Followed one link")).click()
    await expect(page.get_by_role("dialog").get_by_role("combobox", name="Link")).to_be_visible()


async def _charts_as_tables(page: Page) -> None:
    for button in await page.get_by_role("button", name=re.compile("^Show as table: ")).all():
        await button.click()
    await expect(page.get_by_role("columnheader", name="Wed")).to_be_visible()


async def _look(page: Page, web: str, path: str) -> list[str]:
    """What is wrong with this page, which is loaded only once."""
    await page.goto(web + path)
    await expect(page.get_by_role("main")).to_be_visible()
    await page.wait_for_function(_SETTLED)
    return await _judge(page, path)


async def _judge(page: Page, path: str) -> list[str]:
    """As it stands: light at a desk, light on a phone, dark on a phone, dark at a desk; light at a desk again."""
    wrong = [f"{path}, at a desk: {each}" for each in await violations(page)]
    await page.set_viewport_size(PHONE)
    with contextlib.suppress(TooLate):  # the navigation slides away
        await page.wait_for_function(f"!({_SIDEWAYS}) && !({_TABLES_SCROLL})", timeout=2_000)
    wrong += [f"{path}, on a phone: {each}" for each in await violations(page)]
    if await page.evaluate(_SIDEWAYS):
        wrong.append(f"{path} scrolls sideways on a phone")
    if small := await page.evaluate(_TOO_SMALL):
        wrong.append(f"{path}, too small for a finger: {small}")
    await page.emulate_media(color_scheme="dark")
    wrong += [f"{path}, dark on a phone: {each}" for each in await violations(page, "color-contrast")]
    await page.set_viewport_size(DESK)
    wrong += [f"{path}, dark at a desk: {each}" for each in await violations(page, "color-contrast")]
    await page.emulate_media(color_scheme="light")
    return wrong


def _note(page: Page, message: ConsoleMessage, wrong: list[str]) -> None:
    expected = page.url.endswith("/nothing-is-here") and "404 (Not Found)" in message.text
    if message.type == "error" and not expected:
        wrong.append(f"{page.url}: {message.text}")
