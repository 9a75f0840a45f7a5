"""Addresses of links as they are read on the screen."""

from nicegui import ui
from nicegui.testing import User as Browser

from campaign_ui.parts.links import readable
from core import db
from core.models import CampaignLink, LinkClick
from tests import rows
from tests.campaign_ui.audience import shown
from tests.campaign_ui.conftest import SignIn

CODED = "https://xn--mller-kva.de/stra%C3%9Fe/%D0%BA%D0%BD%D0%B8%D0%B3%D0%B8?q=caf%c3%a9"
READ = "https://müller.de/straße/книги?q=café"


def test_letters_are_read_and_all_that_could_deceive_stays_coded() -> None:
    assert readable(CODED) == READ
    assert readable("https://a.example/%61%E0%A4%B9%E0%A4%BF") == "https://a.example/aहि"
    for same in (
        "https://a.example/?next=%2F%3Fx%3D1%26y&z=%25C3%25BC#%23",  # would mean something else
        "https://a.example/a%20b%09%0D%0A%C2%A0%E3%80%80",  # spaces, lines
        "https://a.example/%E2%80%AE%E2%81%A6%D8%9C%E2%80%8F",  # turns what follows
        "https://a.example/%E3%85%A4%E2%80%8B%CD%8F%EF%B8%8F",  # cannot be seen
        "https://a.example/%E2%88%95%EF%BC%9F%E2%81%84",  # looks like / and ?
        "https://a.example/%CC%B8x/%ED%A0%80/%FF",  # a mark on the sign before; no text at all
        "https://a.example/{{ first_name }}",
    ):
        assert readable(same) == same
    assert readable("https://a.example/\u202emoc.\u200b") == "https://a.example/%E2%80%AEmoc.%E2%80%8B"


async def test_links_are_read_with_their_letters_on_every_page(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"sent": ["anna@example.com"]}, status="sent", clicked_count=1)
        link = CampaignLink(campaign_id=campaign_id, url=CODED)
        session.add(link)
        session.flush()
        session.add(LinkClick(link_id=link.id or 0, message_id=1, at=db.now(session)))
    await user.open(f"/campaigns/{campaign_id}/report")
    assert [each.props["title"] for each in shown(user, ui.label, READ)] == [CODED]
    await user.open(f"/campaigns/{campaign_id}")
    assert [each.props["title"] for each in shown(user, ui.label, READ.removeprefix("https://"))] == [CODED]
    [table] = [each for each in shown(user, ui.table) if each.rows]
    user.find(ui.table).trigger("open", table.rows[0]["id"])
    await user.should_see(READ)
