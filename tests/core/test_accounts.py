import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import col, select

from core import accounts, config, db, members, tries
from core.errors import RuleError
from core.models import LoginFailure, LoginSession, User
from tests import forked
from tests.conftest import Stack

PASSWORD = "correct horse"


def _sign_up(email: str = "anna@example.com") -> int:
    with db.session() as session:
        user = accounts.sign_up(session, email, PASSWORD, "Europe/Berlin")
        assert user.id is not None
        return user.id


def test_the_first_of_two_who_sign_up_at_once_is_the_administrator_alone(stack: Stack) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_sign_up, ["anna@example.com", "bob@example.com"]))
    with db.reading() as session:
        assert sorted(user.is_admin for user in session.exec(select(User))) == [False, True]


def test_a_password_is_kept_as_argon2id_only(stack: Stack) -> None:
    _sign_up()
    with db.reading() as session:
        user = session.exec(select(User)).one()
    assert user.password_hash.startswith("$argon2id$") and PASSWORD not in user.password_hash


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("anna@example.com", PASSWORD, "already"),
        ("nobody", PASSWORD, "not an email address"),
        ("bob@example.com", "short", "at least 8"),
        ("bob@example.com", "x" * 5_000_000, "at most 200"),
    ],
)
def test_a_sign_up_that_cannot_be_says_why(stack: Stack, email: str, password: str, sentence: str) -> None:
    _sign_up()
    with pytest.raises(RuleError, match=sentence), db.session() as session:
        accounts.sign_up(session, email, password)


@pytest.mark.parametrize("typed", ["Anna@xn--mller-kva.example", " anna@müller.example", "ANNA@MÜLLER.EXAMPLE"])
def test_a_domain_with_an_umlaut_signs_in_however_the_browser_spells_it(stack: Stack, typed: str) -> None:
    _sign_up("anna@xn--mller-kva.example")  # what Chromium makes of it
    with db.session() as session:
        tries.begin(session, typed, "1.2.3.4")
        assert session.exec(select(LoginFailure.key).where(col(LoginFailure.key).contains("anna@müller.example"))).all()
        tries.passed(session, typed, "1.2.3.4")
        found = accounts.identify(session, typed, PASSWORD)
        assert found is not None and found.email == "anna@müller.example"
        assert members.reset_by_hand(session, typed)


@pytest.mark.parametrize("reached", [{"HOST": "0.0.0.0"}, {"BASE_URL": "https://mail.example.com"}])
def test_sign_up_closes_after_the_first_user_where_others_can_reach_the_server(
    stack: Stack, reached: dict[str, str]
) -> None:
    config.use(config.load({**stack.env, **reached}))
    _sign_up()
    with pytest.raises(RuleError, match="closed"):
        _sign_up("bob@example.com")


def test_a_session_ends_with_log_out_and_with_time(stack: Stack) -> None:
    user_id = _sign_up()
    with db.session() as session:
        token, other = accounts.start_session(session, user_id), accounts.start_session(session, user_id)
    assert _user_of(token) == _user_of(other) == user_id
    with db.session() as session:
        assert all(token not in row.token_hash for row in session.exec(select(LoginSession)))
        accounts.end_session(session, token)
    assert _user_of(token) is None and _user_of(other) == user_id
    db.clock_offset = timedelta(days=accounts.SESSION_DAYS, seconds=1)
    assert _user_of(other) is None


@pytest.mark.parametrize("meanwhile", ["changed", "reset", "blocked"])
def test_a_sign_in_that_is_under_way_comes_to_nothing_when_its_password_does_not_count_any_more(
    stack: Stack, meanwhile: str
) -> None:
    admin_id, user_id = _sign_up(), _sign_up("bob@example.com")
    with db.reading() as session:
        shown = accounts.identify(session, "bob@example.com", PASSWORD)
    assert shown is not None
    with db.session() as session:
        if meanwhile == "changed":
            accounts.change_password(session, user_id, shown.password_hash, accounts.new_hash("battery staple"))
        else:
            {"reset": members.reset, "blocked": members.block}[meanwhile](session, admin_id, user_id)
    with db.session() as session:
        assert accounts.sign_in(session, user_id, shown.password_hash) is None
        assert not accounts.sessions_alive(session, user_id)
        if meanwhile == "changed":
            with pytest.raises(RuleError, match="current password is wrong"):
                accounts.change_password(session, user_id, shown.password_hash, accounts.new_hash("of a thief"))


def test_a_session_that_begins_while_the_password_is_changed_does_not_outlive_that(stack: Stack) -> None:
    user_id = _sign_up()
    old, new = _hash_of(user_id), accounts.new_hash("battery staple")

    def change() -> None:
        with db.session() as session:
            accounts.change_password(session, user_id, old, new)
            accounts.end_other_sessions(session, user_id, keep_hash="the owner's")

    with ThreadPoolExecutor(1) as pool:
        with db.session() as session:
            token = accounts.sign_in(session, user_id, old)
            changing = pool.submit(change)
            with pytest.raises(TimeoutError):
                changing.result(0.1)  # it waits for the sign-in
        changing.result(10)
    assert token is not None and _user_of(token) is None


def test_a_wrong_password_waits_longer_each_time_and_a_right_one_forgets_it(stack: Stack) -> None:
    user_id = _sign_up()
    _fail(5)
    with pytest.raises(RuleError, match="Too many tries"):
        _log_in(PASSWORD)
    db.clock_offset = timedelta(minutes=10)
    assert _log_in(PASSWORD) == user_id
    assert _log_in("wrong password") is None


def test_strangers_who_guess_do_not_keep_a_browser_out_that_was_signed_in_before(stack: Stack) -> None:
    user_id = _sign_up()
    for number in range(5):
        assert _log_in("a guess", client=f"203.0.113.{number}") is None
    with pytest.raises(RuleError, match="Too many"):
        _log_in(PASSWORD, client="198.51.100.1")
    with pytest.raises(RuleError, match="Too many"):
        _log_in(PASSWORD, client="198.51.100.1", known=tries.device(user_id + 1))  # of another account
    phone, desk = tries.device(user_id), tries.device(user_id)
    assert _log_in(PASSWORD, client="198.51.100.1", known=phone) == user_id
    for _ in range(5):
        assert _log_in("a guess", known=phone) is None
    with pytest.raises(RuleError, match="Too many"):
        _log_in(PASSWORD, known=phone)
    assert _log_in(PASSWORD, known=desk) == user_id


def test_of_many_tries_at_once_only_the_free_ones_are_looked_at(stack: Stack) -> None:
    _sign_up()

    def guess(_: int) -> bool:
        try:
            return _log_in("a guess") is None
        except RuleError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(24))) == 5


@pytest.mark.parametrize("emails", [["anna@example.com"], [f"{number}@example.com" for number in range(4)]])
def test_good_sign_ins_at_once_do_not_get_in_each_others_way(stack: Stack, emails: list[str]) -> None:
    ids = [_sign_up(email) for email in emails]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda number: _log_in(PASSWORD, emails[number % len(emails)]), range(60))) == set(ids)


def test_who_has_an_account_cannot_forget_the_failures_at_others_by_it(stack: Stack) -> None:
    _sign_up()
    _sign_up("eve@example.com")
    for number in range(4):
        assert _log_in("a guess", f"victim{number}@example.com") is None
    assert _log_in("mistyped", "eve@example.com") is None
    db.clock_offset = timedelta(seconds=5)
    assert _log_in(PASSWORD, "eve@example.com") is not None  # what was mistyped there is forgotten, no more
    assert _log_in("a guess", "victim4@example.com") is None
    with pytest.raises(RuleError, match="Too many"):
        _log_in("a guess", "victim5@example.com")


def test_failures_of_an_hour_ago_make_nobody_wait(stack: Stack) -> None:
    _sign_up()
    _fail(5)
    with pytest.raises(RuleError, match="Too many"):
        _log_in("a guess")
    db.clock_offset = timedelta(hours=1, minutes=1)
    _fail(5)
    with pytest.raises(RuleError, match="Too many"):
        _log_in("a guess")


def test_failures_of_yesterday_are_forgotten_with_the_next_good_sign_in(stack: Stack) -> None:
    user_id = _sign_up()
    with db.session() as session:
        tries.begin(session, "nobody@example.com", "203.0.113.7")
    db.clock_offset = timedelta(days=1, minutes=1)
    assert _log_in(PASSWORD) == user_id
    with db.reading() as session:
        kept = {failure.key: failure.failure_count for failure in session.exec(select(LoginFailure))}
    assert kept == {"account:anna@example.com": 0, "client:127.0.0.1": 0}


def test_an_address_that_no_database_can_hold_is_only_unknown(stack: Stack) -> None:
    with db.reading() as session:
        assert accounts.identify(session, "a\0b@example.com", PASSWORD) is None
    with db.session() as session:
        tries.begin(session, "a\0b@example.com", "127.0.0.1")


def test_the_first_sign_in_of_a_process_may_be_of_an_unknown_address(sqlite_stack: Stack) -> None:
    program = (
        "from core import accounts, tries, db\n"
        "with db.reading() as session: print(accounts.identify(session, 'nobody@example.com', 'x' * 9))\n"
        "print(accounts.new_hash('x' * 9).partition('p=')[0])"  # dear to guess: the tests' own are cheaper
    )
    env = {**os.environ, **sqlite_stack.env}
    assert forked.ended(*forked.start_text(program, env)) == (0, "None\n$argon2id$v=19$m=65536,t=3,\n")


def _fail(times: int) -> None:
    for _ in range(times):
        assert _log_in("wrong password") is None


def _log_in(
    password: str, email: str = "Anna@Example.com ", client: str = "127.0.0.1", known: int | None = None
) -> int | None:
    with db.session() as session:
        tries.begin(session, email, client, known)
    with db.reading() as session:
        user = accounts.identify(session, email, password)
    if user is None:
        return None
    with db.session() as session:
        tries.passed(session, email, client, known)
    return user.id


def _hash_of(user_id: int) -> str:
    with db.reading() as session:
        return session.get_one(User, user_id).password_hash


def _user_of(token: str) -> int | None:
    with db.reading() as session:
        found = accounts.session_user(session, token)
    return found[0].id if found else None
