import re

from nicegui import binding, ui
from nicegui.testing import User as Browser

from campaign_ui.charts import rounded
from campaign_ui.commands import PLACES
from campaign_ui.parts.markup import Html
from tests.campaign_ui.conftest import SignIn, texts


async def test_the_navigation_is_real_links_and_says_where_one_is(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    client = await user.open("/campaigns")
    [main] = [e for e in client.elements.values() if e.props.get("aria-label") == "Main"]
    assert isinstance(main, Html)
    links = dict(re.findall(r'<a href="([^"]+)" (aria-current="page")?', main.content))
    for place in PLACES:
        assert place.href in links
    assert links["/campaigns"] and not links["/settings"]
    assert client.title == "Campaigns"


async def test_every_icon_button_has_a_name(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    client = await user.open("/")
    for element in client.elements.values():
        if isinstance(element, ui.button) and not element.text:
            assert element.props.get("aria-label"), element


async def test_nothing_on_a_page_polls(user: Browser, sign_in: SignIn) -> None:
    sign_in(user)
    for path in ("/", "/campaigns", "/settings"):
        client = await user.open(path)
        assert not [element for element in client.elements.values() if isinstance(element, ui.timer)]
        assert binding.active_links == []


async def test_a_name_is_text_and_never_markup(user: Browser, sign_in: SignIn) -> None:
    sign_in(user, "o'<b>x</b>@example.com")
    await user.open("/settings")
    assert "o'<b>x</b>@example.com" in texts(user)
    assert not [e for e in user.client.elements.values() if isinstance(e, ui.html)]  # type: ignore[union-attr]


def test_percentages_never_round_to_all_or_nothing() -> None:
    assert [rounded(value) for value in (0.0, 0.01, 33.333, 50.0, 99.99, 100.0)] == [
        "0",
        "0.1",
        "33.3",
        "50",
        "99.9",
        "100",
    ]
