from datetime import UTC, datetime, timedelta

import pytest

from core import campaigns, clock, db
from core.delivery import usage
from core.errors import NotFound
from core.models import Campaign, CampaignList, Contact, ContactList, ListMember, Sender
from tests import rows
from tests.conftest import Stack

IST = "Asia/Kolkata"
NOW = datetime(2026, 11, 25, 6, 20, tzinfo=UTC)
OFFICE = {"days": [0, 1, 2, 3, 4], "from": "09:00", "until": "18:00", "zone": IST}


@pytest.fixture(autouse=True)
def noon(stack: Stack) -> None:
    it_is_noon()


def it_is_noon() -> None:
    db.clock_offset = NOW - clock.utcnow()


def made(waiting: int = 600, sender: dict[str, object] | None = None, **values: object) -> tuple[int, int]:
    """(user, campaign) with so many mails waiting."""
    with db.session() as session:
        alice = rows.user(session)
        by = rows.sender(session, alice, **({"delay_seconds": 0.0} | (sender or {})))
        counts = {"pending_count": waiting, "recipients_count": waiting}
        return alice, rows.campaign(session, alice, sender_id=by.id, **(counts | values))


def says(alice: int, campaign_id: int) -> str:
    it_is_noon()  # still, however long a busy machine took for the rows
    with db.reading() as session:
        found = campaigns.outlook(session, alice, campaign_id)
        assert found is not None
        return found.forecast().say(IST)


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ({"per_minute": 30}, "12:10 IST at 30/min."),
        ({"per_minute": None, "per_second": 2}, "11:55 IST at 2/s."),
        ({"per_minute": 30, "learned_per_minute": 12.0}, "12:41 IST at 12/min (learned)."),
        (
            {"per_minute": 30, "delay_seconds": 8.0, "connections": 1},
            "13:09 IST at 7.5/min (1 connection with 8 s between mails).",
        ),
        ({"per_minute": 300, "per_hour": 200}, "13:51 IST at 300/min and 200/hour."),
        ({"per_minute": 30, "state": "cooling", "cooling_until": NOW + timedelta(hours=1)}, "13:10 IST at 30/min."),
    ],
)
def test_every_limit_of_the_sender_is_looked_at(sender: dict[str, object], words: str) -> None:
    assert says(*made(sender=sender)).endswith(words)


def test_what_the_hour_and_the_day_have_used_is_not_there_any_more() -> None:
    alice, campaign_id = made(100, {"per_minute": 30, "per_day": 200})
    assert says(alice, campaign_id) == "Finishes Wed 25 Nov, 11:53 IST at 30/min."
    with db.session() as session:
        sender_id = session.get_one(Campaign, campaign_id).sender_id
        assert sender_id is not None
        usage.record(session, sender_id, NOW - timedelta(hours=2), 150)
    assert says(alice, campaign_id) == "Finishes Thu 26 Nov, 09:52 IST at 200/day."


def test_windows_and_other_campaigns_of_the_sender_are_looked_at() -> None:
    alice, campaign_id = made(12_000, {"per_minute": 30, "sending_window": OFFICE})
    assert says(alice, campaign_id) == "Finishes Thu 26 Nov, 09:41 IST at 30/min, Mon–Fri 09:00–18:00 IST."
    with db.session() as session:
        by = session.get_one(Campaign, campaign_id).sender_id
        scheduled = {"status": "scheduled", "scheduled_at": NOW + timedelta(minutes=30), "snapshot_done": False}
        other = rows.campaign(session, alice, sender_id=by, **scheduled)
        people = ContactList(user_id=alice, name="All", contact_count=900, created_at=NOW)
        session.add(people)
        session.flush()
        session.add(CampaignList(campaign_id=other, list_id=people.id or 0))
    assert says(alice, campaign_id).startswith("Finishes Thu 26 Nov, 10:12 IST at 30/min, Mon–Fri")
    assert says(alice, other).startswith("Finishes Wed 25 Nov, 13:21 IST at 30/min, sharing its sender")


def test_a_draft_is_foreseen_with_the_numbers_of_the_screen() -> None:
    alice, campaign_id = made(0, {"per_minute": 30}, status="draft", snapshot_done=False)
    with db.reading() as session:
        found = campaigns.outlook(session, alice, campaign_id)
    assert found is not None
    tomorrow = found.forecast(waiting=1_240, begins=NOW + timedelta(days=1))
    assert tomorrow.say(IST) == "Finishes Thu 26 Nov, 12:32 IST at 30/min."
    assert str(tomorrow) == "about 43 min at 30/min"


def test_nothing_is_foreseen_of_what_does_not_go() -> None:
    alice, paused = made(status="paused")
    with db.session() as session:
        blocked = rows.sender(session, alice, name="Blocked", state="blocked")
        waits = rows.campaign(session, alice, sender_id=blocked.id)
        lost = rows.campaign(session, alice, sender_id=None)
        assert [campaigns.outlook(session, alice, number) for number in (paused, waits, lost)] == [None] * 3


def test_a_stranger_foresees_nothing_and_is_not_shared_with() -> None:
    alice, campaign_id = made()
    with db.session() as session:
        charlie = rows.user(session, "charlie@example.com")
        with pytest.raises(NotFound):
            campaigns.outlook(session, charlie, campaign_id)
        sender = session.get_one(Sender, session.get_one(Campaign, campaign_id).sender_id)
        sender.user_id = charlie
        session.flush()
        assert campaigns.outlook(session, alice, campaign_id) is None


def test_it_is_never_finished_before_the_last_that_was_put_off_is_tried_again() -> None:
    alice, campaign_id = made(2, {"per_minute": 30})
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        for minutes in (10, 30):
            at = NOW + timedelta(minutes=minutes)
            rows.message(session, campaign, f"{minutes}@x.io", "pending", NOW, retry_at=at)
    words = "Finishes Wed 25 Nov, 12:20 IST, if the mails that are tried again are accepted then."
    assert says(alice, campaign_id) == words


def put_off(campaign_id: int, tries: list[timedelta]) -> None:
    with db.session() as session:
        campaign = session.get_one(Campaign, campaign_id)
        for number, after in enumerate(tries):
            rows.message(session, campaign, f"p{number}@x.io", "pending", NOW, retry_at=NOW + after)


def test_mails_that_are_all_put_off_take_their_time_from_the_next_try_on() -> None:
    alice, campaign_id = made(300, {"per_minute": 30})
    put_off(campaign_id, [timedelta(hours=1, seconds=number / 100) for number in range(300)])
    words = "Finishes Wed 25 Nov, 13:00 IST at 30/min, if the mails that are tried again are accepted then."
    assert says(alice, campaign_id) == words


def test_mails_that_are_put_off_come_after_those_that_go_now() -> None:
    alice, campaign_id = made(330, {"per_minute": 30})
    put_off(campaign_id, [timedelta()] * 30 + [timedelta(hours=1)] * 300)
    words = "Finishes Wed 25 Nov, 13:00 IST at 30/min, if the mails that are tried again are accepted then."
    assert says(alice, campaign_id) == words
    with db.session() as session:
        many = session.get_one(Campaign, campaign_id)
        many.pending_count = many.recipients_count = 8_950  # what goes now takes longer
    assert says(alice, campaign_id) == "Finishes Wed 25 Nov, 16:57 IST at 30/min."


def test_after_a_quota_what_is_left_counts_from_the_next_try_and_the_quota_is_named() -> None:
    cools = {"state": "cooling", "cooling_until": NOW + timedelta(hours=1), "state_kind": "quota_day"}
    alice, campaign_id = made(600, {"per_minute": 30, **cools})
    assert says(alice, campaign_id) == "Finishes Wed 25 Nov, 13:10 IST at 30/min, if its quota is over then."
    alice, unlimited = made_for(alice, 50_000, {"per_minute": None, **cools})
    assert says(alice, unlimited) == "Finishes Wed 25 Nov, 12:51 IST, if its quota is over then."
    with db.session() as session:  # by then the quota is tried long since
        session.get_one(Campaign, campaign_id).sqlmodel_update(
            {"status": "scheduled", "scheduled_at": NOW + timedelta(days=1)}
        )
    assert says(alice, campaign_id) == "Finishes Thu 26 Nov, 12:10 IST at 30/min."


def made_for(alice: int, waiting: int, sender: dict[str, object]) -> tuple[int, int]:
    with db.session() as session:
        by = rows.sender(session, alice, name="Other", delay_seconds=0.0, **sender)
        return alice, rows.campaign(session, alice, sender_id=by.id, pending_count=waiting, recipients_count=waiting)


def test_the_fullest_domain_decides_where_each_has_a_limit() -> None:
    emails = [f"p{number}@{'gmail.com' if number % 2 else f'mail{number % 20}.example'}" for number in range(200)]
    alice, campaign_id = made(200, {"per_minute": 600, "domain_per_minute": 10})
    with db.session() as session:
        kept, later = session.get_one(Campaign, campaign_id), NOW + timedelta(minutes=2)
        for email in emails[1:]:  # most wait for their domain
            rows.message(session, kept, email, "pending", NOW, retry_at=later)
        rows.message(session, kept, emails[0], "pending", NOW, retry_at=later, attempts=1)  # and one was refused
    assert says(alice, campaign_id) == "Finishes Wed 25 Nov, 12:00 IST at 10/min to one domain."


def test_the_fullest_domain_of_a_drafts_lists_decides() -> None:
    alice, campaign_id = made(0, {"per_minute": 600, "domain_per_minute": 2}, status="draft", snapshot_done=False)
    with db.session() as session:
        people = ContactList(user_id=alice, name="People", contact_count=30, created_at=NOW)
        both = ("gmail.com", "googlemail.com")  # one provider
        contacts = [Contact(user_id=alice, email=f"p{n}@{both[n % 2]}", created_at=NOW) for n in range(30)]
        session.add_all([people, *contacts])
        session.flush()
        session.add_all([ListMember(list_id=people.id, contact_id=contact.id) for contact in contacts])
        session.add(CampaignList(campaign_id=campaign_id, list_id=people.id))
    assert says(alice, campaign_id).endswith("12:05 IST at 2/min to one domain.")


SHORT = {"days": [*range(7)], "from": "04:00", "until": "04:12", "zone": "America/St_Johns"}
CAP = {"start": 1000, "factor": 1.0, "days": 365, "began": "2026-11-25", "zone": IST}


@pytest.mark.parametrize(
    ("sender", "values", "words"),
    [
        ({}, {}, "at 240/min, Every day 04:00–04:12 NST."),
        ({"per_day": 1000}, {}, "at 240/min and 1,000/day, Every day 04:00–04:12 NST."),
        ({}, {"warmup": CAP}, "at 240/min, Every day 04:00–04:12 NST, at most 1,000 a day."),
    ],
)
def test_what_decides_only_while_the_window_is_open_is_named(
    sender: dict[str, object], values: dict[str, object], words: str
) -> None:
    assert says(*made(20_000, {"per_minute": 240, "sending_window": SHORT, **sender}, **values)).endswith(words)
