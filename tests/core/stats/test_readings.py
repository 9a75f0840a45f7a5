from datetime import UTC, datetime, timedelta

import pytest

from core import db, stats
from core.models import Campaign, CampaignLink, LinkClick, Reading
from core.tracking import links
from tests import rows
from tests.conftest import Stack


def utc(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def filled(heat: stats.Heat) -> dict[tuple[int, int], int]:
    return {(day, hour): n for day, row in enumerate(heat.cells) for hour, n in enumerate(row) if n}


def test_opens_are_in_the_right_hour_where_the_clock_is_half_an_hour_off() -> None:
    of = [(utc(22, 18, 15), 3, 0), (utc(22, 18, 30), 5, 1), (utc(23, 4), 7, 0)]  # a Sunday
    assert filled(stats.heat(of, "Asia/Kolkata")) == {(6, 23): 3, (0, 0): 5, (0, 9): 7}
    assert filled(stats.heat(of, "Asia/Kathmandu")) == {(0, 0): 8, (0, 9): 7}  # +05:45
    assert filled(stats.heat(of, "UTC")) == {(6, 18): 8, (0, 4): 7}
    assert stats.heat(of, "Asia/Kolkata").best == (0, 9) and stats.heat([], "UTC").total == 0


def test_each_moment_has_the_offset_that_held_then() -> None:
    """In Berlin 25 October 2026 has 02:30 twice, and 29 March none: no open is lost or moved."""
    twice = [(utc(25, 0, 30, 10), 1, 0), (utc(25, 1, 30, 10), 2, 0), (utc(25, 2, 30, 10), 4, 0)]
    assert filled(stats.heat(twice, "Europe/Berlin")) == {(6, 2): 3, (6, 3): 4}
    spring = [(utc(29, 0, 45, 3), 1, 0), (utc(29, 1, 0, 3), 2, 0)]
    assert filled(stats.heat(spring, "Europe/Berlin")) == {(6, 1): 1, (6, 3): 2}
    spread = [(utc(24, 20, 0, 10), 1, 0), *twice]
    spans = stats.over_time(spread, "Europe/Berlin")
    assert spans.unit == "quarter" or [f"{span.at:%H:%M}" for span in spans.of][4:7] == ["02:00", "02:00", "03:00"]
    assert sum(span.opened for span in spans.of) == 8


@pytest.mark.parametrize(
    ("hours", "unit", "count"), [(5, "quarter", 21), (40, "hour", 41), (24 * 9, "day", 10), (24 * 45, "quarter", 1)]
)
def test_the_unit_grows_with_the_time_and_gaps_are_shown(hours: int, unit: str, count: int) -> None:
    spans = stats.over_time([(utc(1, 4), 2, 1), (utc(1, 4) + timedelta(hours=hours), 3, 0)], "Asia/Kolkata")
    assert (spans.unit, len(spans.of)) == (unit, count)
    assert (spans.of[0].opened, spans.of[0].clicked) == (2, 1)
    if unit == "hour":
        assert f"{spans.of[0].at:%H:%M}" == "09:00"  # 04:00 UTC is 09:30 there


@pytest.mark.parametrize(("hours", "second"), [(5, "09:45"), (40, "10:00")])
def test_no_span_begins_before_its_campaign_did(hours: int, second: str) -> None:
    of = [(utc(1, 4), 2, 1), (utc(1, 4) + timedelta(hours=hours), 3, 0)]
    spans = stats.over_time(of, "Asia/Kolkata", utc(1, 4, 7)).of
    assert [f"{span.at:%H:%M}" for span in spans[:2]] == ["09:37", second] and spans[0].opened == 2


def test_since_the_start_counts_quarters_that_are_over() -> None:
    of = [(utc(1, 4), 2, 0), (utc(1, 4, 45), 3, 0), (utc(2, 4), 5, 0)]
    assert stats.since_start(of, utc(1, 4), [0, 0.25, 1, 24, 48]) == [0, 2, 5, 5, 10]
    assert stats.since_start(of, None, [0, 1]) == [0, 0]


def test_only_the_owner_reads_quarters_and_links(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        campaign_id = rows.campaign(
            session, alice, {"sent": ["one@example.org", "two@example.org"]}
        )  # messages 1 and 2
        session.add(Reading(campaign_id=campaign_id, quarter_at=utc(1, 4, 15), opened_count=4, clicked_count=2))
        made = [CampaignLink(campaign_id=campaign_id, url=f"https://shop.example/{name}") for name in "ab"]
        session.add_all(made)
        session.flush()
        a, b = (link.id or 0 for link in made)
        clicks = [(b, 1, utc(1, 5)), (b, 2, utc(1, 5)), (b, 2, utc(1, 4)), (a, 1, utc(1, 6)), (b + 99, 1, utc(1, 4))]
        for _ in range(2):
            links.followed(session, clicks)
        assert session.get_one(LinkClick, (b, 2)).at == utc(1, 4)
        assert stats.quarters(session, alice, campaign_id) == [(utc(1, 4, 15), 4, 2)]
        found = stats.links(session, alice, campaign_id)
        assert found == [stats.Link("https://shop.example/b", 2), stats.Link("https://shop.example/a", 1)]
        assert stats.quarters(session, charlie, campaign_id) == [] == stats.links(session, charlie, campaign_id)
        session.get_one(Campaign, campaign_id).deleted_at = utc(2, 4)
        session.flush()
        assert stats.quarters(session, alice, campaign_id) == [] == stats.links(session, alice, campaign_id)
