from datetime import UTC, datetime, timedelta

import pytest

from campaign_ui.parts import compose_time

AT = datetime(2099, 12, 4, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "own", "more"),
    [
        ("Europe/Berlin", "America/New_York", ". For you: Fri 4 Dec 2099, 03:00 EST"),
        ("Europe/Berlin", "Europe/Berlin", ""),
        ("Europe/Berlin", "Europe/Paris", ""),
        ("Europe/Berlin", "UTC", ""),
        ("UTC", "Europe/Berlin", ". For you: Fri 4 Dec 2099, 09:00 CET"),
    ],
)
def test_a_time_is_told_with_its_day_in_utc_and_for_the_user_but_not_twice(zone: str, own: str, more: str) -> None:
    words = compose_time.meaning(AT, zone, own, AT - timedelta(hours=14))
    assert words == f"Fri 4 Dec 2099, 08:00 UTC, in about 14 h{more}"
