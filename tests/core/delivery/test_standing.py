from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from core import clock, db
from core.delivery import standing
from core.delivery.standing import Tried
from core.errors import NotFound, RuleError
from core.models import Sender
from tests import rows
from tests.conftest import Stack

NIGHT = {"days": [0, 1, 2, 3, 4, 5, 6], "from": "22:00", "until": "23:00", "zone": "UTC"}


def cooling(session: Session, user_id: int, **values: object) -> Sender:
    until = db.now(session) + timedelta(minutes=30)
    words = {"state_kind": "throttle_rate", "state_reply": "451 slow down"}
    return rows.sender(session, user_id, state="cooling", cooling_until=until, **{"cooldown_step": 3} | words | values)


def test_only_its_owner_ends_the_wait_of_a_sender(stack: Stack) -> None:
    with db.session() as session:
        alice, charlie = rows.user(session), rows.user(session, "charlie@example.com")
        sender = cooling(session, alice)
        assert sender.id is not None
        with pytest.raises(NotFound):
            standing.try_now(session, charlie, sender.id)
        assert sender.state == "cooling"
        assert standing.try_now(session, alice, sender.id) == Tried.nothing
        session.refresh(sender)
        assert (sender.state, sender.cooling_until, sender.cooldown_step) == ("ready", None, 2)
        assert (sender.state_kind, sender.state_reply) == ("throttle_rate", "451 slow down")


def test_a_test_that_passed_ends_the_wait_for_a_server_but_none_that_a_server_asked_for(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        for rule, state in (("unreached", "ready"), ("slow-down", "cooling")):
            sender = cooling(session, alice, state_rule=rule, test_problem="Nothing answered.")
            assert standing.tested(session, sender, "")
            session.refresh(sender)
            assert (sender.test_problem, sender.state, sender.cooldown_step) == ("", state, 3)
            assert (sender.cooling_until is None, sender.state_reply == "") == (state == "ready", state == "ready")
            assert standing.tested(session, sender, "It refused the sign-in.")
            session.refresh(sender)
            assert (sender.test_problem, sender.state) == ("It refused the sign-in.", state)


@pytest.mark.parametrize(("before", "after"), [(None, None), ("", ""), ("Nothing answered.", None)])
def test_a_server_that_answered_is_not_known_to_take_mail(stack: Stack, before: str | None, after: str | None) -> None:
    with db.session() as session:
        sender = cooling(session, rows.user(session), state_rule="unreached", test_problem=before)
        assert standing.tested(session, sender, None)
        session.refresh(sender)
        assert (sender.test_problem, sender.state) == (after, "ready")


def test_a_test_says_nothing_of_the_account_that_was_saved_while_it_went_on(stack: Stack) -> None:
    with db.session() as session:
        sender = rows.sender(session, rows.user(session), host="old.example.com", test_problem=None)
        sender_id = sender.id
    with db.session() as session:
        session.get_one(Sender, sender_id).host = "new.example.com"
    with db.session() as session:
        assert not standing.tested(session, sender, "")
        assert session.get_one(Sender, sender_id).test_problem is None


def test_what_would_go_out_is_told(stack: Stack) -> None:
    with db.session() as session:
        alice = rows.user(session)
        told = []
        for kind in ("quota_day", "temporary"):
            sender = cooling(session, alice, state_kind=kind, name=kind)
            rows.campaign(session, alice, {"pending": ["a@x.io"]}, sender_id=sender.id)
            told.append(standing.try_now(session, alice, sender.id or 0))
    assert told == [Tried.one, Tried.all]


def test_a_block_a_limit_and_hours_cannot_be_ended(stack: Stack) -> None:
    db.clock_offset = datetime(2026, 11, 25, 15, tzinfo=UTC) - clock.utcnow()
    with db.session() as session:
        alice = rows.user(session)
        now = db.now(session)
        others = ({"state": "blocked"}, {"next_start_at": now + timedelta(hours=1)}, {"sending_window": NIGHT})
        for values in (
            *others,
            {"cooling_until": now - timedelta(seconds=1)},
            {"state": "ready", "cooling_until": None},
        ):
            sender = cooling(session, alice)
            sender.sqlmodel_update(values)
            session.flush()
            before = sender.model_dump()
            assert not standing.may_try(sender, now)
            with pytest.raises(RuleError, match="cannot be tried now"):
                standing.try_now(session, alice, sender.id or 0)
            session.refresh(sender)
            assert sender.model_dump() == before
