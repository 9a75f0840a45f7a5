from core import db, stats
from core.models import Activity, Sender
from core.stats import Counted
from core.stats.days import per_day
from tests import rows
from tests.conftest import Stack

ZONE = "Asia/Kolkata"


def test_simulated_opens_are_never_added_to_those_of_people(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        real, box = rows.sender(session, alice), rows.sender(session, alice, is_sandbox=True)
        rows.sender(session, charlie, is_sandbox=True)
        rows.campaign(session, alice, name="Draft", status="draft", snapshot_done=False)
        played = _campaign(session, alice, box, "Played", 40, 36)
        only = stats.overview(session, alice)
        assert (only.counted, only.total.sent, only.total.opened) == (Counted.sandbox, 40, 36)
        assert [best.name for best in stats.best(session, alice, among=only.counted)] == ["Played"]
        planned = rows.campaign(session, alice, name="Planned", status="scheduled", sender_id=real.id)
        assert stats.overview(session, alice).counted == Counted.sandbox  # nothing has gone yet

        _campaign(session, alice, real, "Real", 50, 10)
        both = stats.overview(session, alice)
        assert (both.counted, both.total.sent, both.total.opened) == (Counted.real, 50, 10)
        assert [best.name for best in stats.best(session, alice, among=both.counted)] == ["Real"]
        days = per_day(session, alice, ZONE, among=both.counted)
        assert (sum(day.sent for day in days), sum(day.opened for day in days)) == (50, 10)
        assert {campaign.id for campaign in both.recent} >= {played, planned} and both.campaign_count == 4

        _campaign(session, charlie, rows.sender(session, charlie), "Charlie's", 60, 6)
        theirs = stats.overview(session, charlie)
        assert (theirs.counted, theirs.total.sent) == (Counted.everything, 60)


def test_what_went_to_a_sandbox_sender_that_was_deleted_stays_left_out(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        box = rows.sender(session, alice, is_sandbox=True, deleted_at=db.now(session))
        _campaign(session, alice, box, "Played", 40, 36)
        _campaign(session, alice, rows.sender(session, alice), "Real", 50, 10)
        assert stats.overview(session, alice).total.opened == 10


def _campaign(session: db.Session, user_id: int, by: Sender, name: str, sent: int, opened: int) -> int:
    counters = {"recipients_count": sent, "sent_count": sent, "opened_count": opened}
    made = rows.campaign(session, user_id, name=name, status="sent", sender_id=by.id, **counters)
    hour = db.now(session).replace(minute=0, second=0, microsecond=0)
    session.add(Activity(campaign_id=made, hour_at=hour, sent_count=sent, opened_count=opened))
    session.flush()
    return made
