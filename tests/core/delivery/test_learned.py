import pytest
from sqlmodel import Session

from core import db
from core.delivery import learned, senders
from core.errors import NotFound, RuleError
from core.models import Sender
from tests import rows
from tests.conftest import Stack


def values(name: str, host: str = "smtp.example.com") -> senders.Values:
    return senders.Values(name=name, host=host, from_address="news@example.com")


def learnt(session: Session, sender_id: int | None) -> tuple[float | None, int | None, str, bool]:
    row = session.get_one(Sender, sender_id, populate_existing=True)
    return row.learned_per_minute, row.learned_connections, row.learned_rule, row.learned_pinned


def test_what_was_learned_is_kept_under_the_epoch_only(stack: Stack) -> None:
    with db.session() as session:
        one = rows.sender(session, rows.user(session), epoch=3)
        assert one.id is not None
        assert not learned.learn(session, one.id, 2, 15.0, None, "old")
        assert learnt(session, one.id) == (None, None, "", False)
        assert learned.learn(session, one.id, 3, 15.0, 2, "rate")
        assert not learned.grow(session, one.id, 2, 16.0, 2, (15.0, 2))
        assert learned.grow(session, one.id, 3, 16.0, 2, (15.0, 2))
        assert learnt(session, one.id) == (16.0, 2, "rate", False)
        assert one.learned_at is not None
        assert learned.grow(session, one.id, 3, None, None, (16.0, 2))
        assert learnt(session, one.id) == (None, None, "", False) and one.learned_at is None


def test_what_grows_is_what_is_still_there(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        one = rows.sender(session, alice, epoch=3)
        assert one.id is not None
        learned.learn(session, one.id, 3, 150.0 / 7, None, "rate")
        assert learned.grow(session, one.id, 3, 150.2, None, (150.0 / 7, None))
        learned.pin(session, alice, one.id)
        assert not learned.grow(session, one.id, 3, 156.7, None, (150.2, None))
        assert learnt(session, one.id) == (150.2, None, "rate", True)
        learned.forget(session, alice, one.id)
        assert not learned.grow(session, one.id, 3, 156.7, None, (150.2, None))
        assert learnt(session, one.id) == (None, None, "", False)
        learned.learn(session, one.id, 3, 12.0, 1, "rate")  # another provider's, by now
        assert not learned.grow(session, one.id, 3, 156.7, None, (150.2, None))
        assert learnt(session, one.id) == (12.0, 1, "rate", False)


def test_a_pinned_pace_stays_until_it_is_unpinned_or_forgotten(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        one = rows.sender(session, alice, epoch=1)
        assert one.id is not None
        with pytest.raises(RuleError, match="no pace to keep"):
            learned.pin(session, alice, one.id)
        learned.learn(session, one.id, 1, 15.0, None, "rate")
        for change in (learned.pin, learned.unpin, learned.forget):
            with pytest.raises(NotFound):
                change(session, charlie, one.id)
        learned.pin(session, alice, one.id)
        assert not learned.learn(session, one.id, 1, 7.5, None, "rate")
        assert learnt(session, one.id) == (15.0, None, "rate", True)
        learned.unpin(session, alice, one.id)
        assert learned.learn(session, one.id, 1, 7.5, None, "rate")
        learned.pin(session, alice, one.id)
        learned.forget(session, alice, one.id)
        assert learnt(session, one.id) == (None, None, "", False)


def test_a_new_sender_begins_with_what_the_users_others_of_its_host_learned(stack: Stack) -> None:
    with db.session() as session:
        alice, bob = rows.user(session), rows.user(session, "bob@example.com")
        first = senders.create(session, alice, values("First"))
        assert first.id is not None
        learned.learn(session, first.id, 0, 12.0, 1, "rate")
        learned.pin(session, alice, first.id)
        second = senders.create(session, alice, values("Second", "SMTP.example.com"))
        assert learnt(session, second.id) == (12.0, 1, "rate", False)
        elsewhere = senders.create(session, alice, values("Elsewhere", "smtp.example.net"))
        assert learnt(session, elsewhere.id) == (None, None, "", False)
        assert learnt(session, senders.create(session, bob, values("Bob")).id) == (None, None, "", False)
        assert second.id is not None
        senders.save(session, alice, second.id, values("Second", "smtp.example.org"))  # another provider
        assert learnt(session, second.id) == (None, None, "", False)
        senders.save(session, alice, second.id, values("Second"))
        assert learnt(session, second.id) == (12.0, 1, "rate", False)
