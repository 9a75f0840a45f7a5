"""How far a campaign is: one number and the same words in every place."""

from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User as Browser

from campaign_ui import charts, tab
from core import db, stats
from core.stats import Counts
from tests import rows
from tests.campaign_ui.campaign import tables
from tests.campaign_ui.conftest import SignIn

WAITING, NOBODY = [f"p{number}@x.io" for number in range(28)], ["no0@x.io", "no1@x.io"]
HOW_FAR = "2 of 30 done, 2 failed · 6.7 %"


def _bars(browser: Browser) -> list[str]:
    assert browser.client is not None
    bars = [e for e in browser.client.elements.values() if e.props.get("role") == "progressbar"]
    return [str(bar.props["aria-valuenow"]) for bar in bars]


def _told(row: dict[str, Any]) -> tuple[object, ...]:
    return row["done"], row["percent"], row["numbers"]


async def test_every_place_says_the_same_of_how_far_a_campaign_is(user: Browser, sign_in: SignIn) -> None:
    alice = sign_in(user)
    with db.session() as session:
        campaign_id = rows.campaign(session, alice, {"failed": NOBODY, "pending": WAITING}, name="Offer")
    for path, bars in (("/", ["6.7"]), (f"/campaigns/{campaign_id}", ["6.7"]), ("/campaigns", [])):
        await user.open(path)
        if bars:
            await user.should_see(HOW_FAR, kind=ui.label)
        assert _bars(user) == bars
        assert [_told(t.rows[0]) for t in tables(user) if "done" in t.rows[0]] == [(HOW_FAR, "6.7", HOW_FAR)] * (
            "campaigns/" not in path
        )
    with db.reading() as session:
        assert tab.in_title(stats.outgoing(session, alice)) == ("6 % · Offer", 6)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(recipients=3, waiting=3), "0 of 3 done · 0 %"),
        (Counts(recipients=3, sent=3), "3 of 3 done · 100 %"),
        (Counts(recipients=30, sent=10, cancelled=20), "10 of 30 done, 20 cancelled · 33.3 %"),
        (Counts(recipients=5000, sent=4990, failed=9, waiting=1), "4,999 of 5,000 done, 9 failed · 99.9 %"),
        (Counts(recipients=6, sent=1, failed=2, suppressed=1, unknown=1, sending=1), "5 of 6 done, 2 failed · 83.3 %"),
    ],
)
def test_done_is_who_no_longer_waits(counts: Counts, words: str) -> None:
    assert charts.say_done(counts) == words
