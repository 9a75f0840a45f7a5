import logging
import os
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import select

from core import accounts, clock, db, live, members, tries
from core.errors import NotFound, RuleError
from core.models import AccountLink, LoginFailure, User
from tests import forked, rows
from tests.conftest import Stack

PASSWORD, NEW = "correct horse", "battery staple"


class House:
    """An administrator, and Bob with two sessions."""

    def __init__(self) -> None:
        with db.session() as session:
            self.admin = accounts.sign_up(session, "admin@example.com", PASSWORD).id or 0
            self.bob = accounts.sign_up(session, "bob@example.com", PASSWORD).id or 0
            self.cookies = [accounts.start_session(session, self.bob) for _ in range(2)]

    def signed_in(self) -> int:
        with db.reading() as session:
            return sum(accounts.session_user(session, cookie) is not None for cookie in self.cookies)


@pytest.fixture
def house(stack: Stack) -> House:
    return House()


def log_in(email: str, password: str) -> int | None:
    with db.reading() as session:
        user = accounts.identify(session, email, password)
    return user.id if user else None


def accept(token: str, password: str = NEW) -> int:
    hashed = accounts.new_hash(password)
    with db.session() as session:
        return members.accept(session, token, hashed, "Europe/Paris")


def test_the_administrator_sees_everybody_with_their_counts_and_last_sign_in(house: House) -> None:
    with db.session() as session:
        rows.sent_campaign(session, house.bob, ["sent", "sent"])
        rows.campaign(session, house.bob, status="draft")
    with db.reading() as session:
        admin, bob = members.members(session, house.admin)
        sent = members.members(session, house.admin)[1].sent
    assert (admin.is_admin, admin.signed_in_at, admin.campaigns) == (True, None, 0)
    assert (bob.email, bob.campaigns, sent, bob.is_blocked) == ("bob@example.com", 2, 2, False)
    assert bob.signed_in_at is not None


def test_nobody_else_may_do_anything(house: House) -> None:
    acts = [
        lambda session: members.members(session, house.bob),
        lambda session: members.invite(session, house.bob, "eve@example.com"),
        lambda session: members.reset(session, house.bob, house.admin),
        lambda session: members.block(session, house.bob, house.admin),
        lambda session: members.unblock(session, house.bob, house.admin),
    ]
    for act in acts:
        with pytest.raises(NotFound), db.session() as session:
            act(session)
    with pytest.raises(RuleError, match="own account"), db.session() as session:
        members.block(session, house.admin, house.admin)
    with db.reading() as session:
        assert len(session.exec(select(User)).all()) == 2 and session.exec(select(AccountLink)).all() == []


def test_an_invited_person_sets_a_password_by_a_link_that_works_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "core.members")
    with db.session() as session:
        user, token = members.invite(session, house.admin, "New@Example.com")
        new_id = user.id
    assert log_in("new@example.com", "") is None and log_in("new@example.com", PASSWORD) is None
    with db.reading() as session:
        assert members.link_email(session, token) == "new@example.com"
        assert token not in session.exec(select(AccountLink)).one().token_hash
    assert accept(token) == new_id == log_in("new@example.com", NEW)
    with pytest.raises(RuleError, match="used already"):
        accept(token, "another one")
    with pytest.raises(RuleError, match="already"), db.session() as session:
        members.invite(session, house.admin, "new@example.com")
    with db.reading() as session:
        assert session.get_one(User, new_id).time_zone == "Europe/Paris"
    said = [record.getMessage() for record in caplog.records]
    assert said == [f"user {house.admin} invited user {new_id}", f"user {new_id} set a password by a link"]
    assert token not in caplog.text and NEW not in caplog.text


def test_a_reset_ends_sessions_and_the_old_password_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, str]] = []
    monkeypatch.setattr(live, "publish", lambda user_id, topic, *_: told.append((user_id, topic)))
    with db.session() as session:
        first = members.reset(session, house.admin, house.bob)
        token = members.reset(session, house.admin, house.bob)
    assert house.signed_in() == 0 and (house.bob, "session") in told
    assert log_in("bob@example.com", PASSWORD) is None
    with pytest.raises(RuleError):
        accept(first)
    db.clock_offset = timedelta(days=members.LINK_DAYS, minutes=1)
    with pytest.raises(RuleError, match="too old"):
        accept(token)
    db.clock_offset = timedelta()
    assert accept(token) == house.bob == log_in("bob@example.com", NEW)


def test_who_is_blocked_is_out_at_once_until_unblocked(house: House) -> None:
    with db.session() as session:
        token = members.reset(session, house.admin, house.bob)
    accept(token)
    with db.session() as session:
        house.cookies = [accounts.start_session(session, house.bob)]
        members.block(session, house.admin, house.bob)
    assert house.signed_in() == 0
    assert log_in("bob@example.com", "wrong password") is None  # tells a stranger nothing
    with pytest.raises(RuleError, match="blocked"):
        log_in("bob@example.com", NEW)
    with pytest.raises(RuleError, match="already"), db.session() as session:
        members.block(session, house.admin, house.bob)
    with db.session() as session:
        members.unblock(session, house.admin, house.bob)
    assert log_in("bob@example.com", NEW) == house.bob and house.signed_in() == 0


def test_who_is_locked_out_gets_a_link_on_the_command_line(house: House, stack: Stack) -> None:
    with db.session() as session:
        for _ in range(5):
            tries.begin(session, "admin@example.com", "here")
    env = {**os.environ, **stack.env, "BASE_URL": "https://mail.example.com"}
    program = "import runpy; runpy.run_module('core.reset_password', run_name='__main__', alter_sys=True)"
    code, said = forked.ended(*forked.start_text(program, env, "Admin@example.com"))
    assert code == 0, said
    link, *told = said.splitlines()[1:]
    assert [line[:7] for line in told] == ([] if "REDIS_URL" in stack.env else ["Restart"])
    base, _, token = link.rpartition("/")
    assert base == "https://mail.example.com/welcome"
    assert accept(token) == house.admin
    with db.session() as session:
        assert all(not row.key.startswith("account:") for row in session.exec(select(LoginFailure)))
    wrong = forked.ended(*forked.start_text(program, env, "eve@example.com"))
    assert wrong == (2, "There is no account with this email address.\n")


def test_a_link_that_is_used_while_the_administrator_resets_again_ends_in_no_error_and_no_session(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.session() as session:
        token = members.reset(session, house.admin, house.bob)
        session.execute(update(User).values(signed_in_at=None))
    zone = clock.zone_or_default

    def reset() -> str:
        with db.session() as session:
            return members.reset(session, house.admin, house.bob)

    with ThreadPoolExecutor(1) as pool:
        resetting: list[Future[str]] = []

        def zone_while_resetting(name: str | None) -> str:
            resetting.append(pool.submit(reset))
            with pytest.raises(TimeoutError):
                resetting[0].result(0.3)  # it waits for the link to be used
            return zone(name)

        monkeypatch.setattr(clock, "zone_or_default", zone_while_resetting)
        with db.session() as session:
            hashed = accounts.new_hash(NEW)
            members.accept(session, token, hashed, "Europe/Paris")
            house.cookies = [accounts.start_session(session, house.bob)]
        again = resetting[0].result(10)
    assert house.signed_in() == 0 and log_in("bob@example.com", NEW) is None
    monkeypatch.undo()
    assert accept(again) == house.bob
