"""A page of a list that is not there."""

from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from core.audience import book, contacts, parse
from tests.campaign_ui.conftest import SignIn


async def test_a_page_beyond_the_last_is_the_last_one_read_at_once(
    user: Browser, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n".join(f"p{number:02}@example.com" for number in range(60))
    contacts.store(sign_in(user), parse.parse_text(text), "many")
    reads, page = [], book.page

    def noted(*args: Any, **values: Any) -> book.Page:
        reads.append(values["skip"])
        return page(*args, **values)

    monkeypatch.setattr(book, "page", noted)
    await user.open("/audience?page=500")
    await user.should_see("51–60 of 60")
    assert user.client is not None
    tables = [each for each in user.client.elements.values() if isinstance(each, ui.table)]
    [shown] = [each.rows for each in tables if each.props["aria-label"] == "Contacts"]
    assert [row["email"] for row in shown] == [f"p{number}@example.com" for number in range(50, 60)]
    assert reads == [499 * 25, 50]
