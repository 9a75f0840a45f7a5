from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy.exc import StatementError

from core import clock, config, db, migrate
from core.models import User
from tests.conftest import Stack


def _user(email: str, **changes: object) -> User:
    return User(**{"email": email, "password_hash": "x", "created_at": clock.utcnow(), **changes})


def test_the_migrations_make_exactly_the_models(stack: Stack) -> None:
    with db.engine().begin() as connection:
        command.check(migrate.alembic_config(connection))


def test_times_come_back_aware_and_in_utc(stack: Stack) -> None:
    moment = clock.local_to_utc(datetime(2026, 11, 22).date(), datetime(2026, 11, 22, 9, 27).time(), "Asia/Kolkata")
    with db.session() as session:
        session.add(_user("a@example.com", created_at=moment))
    with db.reading() as session:
        kept = session.get(User, 1)
        assert kept is not None and kept.created_at == moment
        assert kept.created_at.isoformat() == "2026-11-22T03:57:00+00:00"


def test_a_time_without_zone_is_refused(stack: Stack) -> None:
    with pytest.raises(StatementError, match="without a zone"), db.session() as session:
        session.add(_user("a@example.com", created_at=datetime(2026, 1, 1)))


def test_hints_go_out_after_the_commit_and_never_after_a_rollback(stack: Stack) -> None:
    told: list[str] = []
    with db.session() as session:
        db.after_commit(session, lambda: told.append("committed"))
        assert told == []
    assert told == ["committed"]
    with pytest.raises(ZeroDivisionError), db.session() as session:
        db.after_commit(session, lambda: told.append("rolled back"))
        raise ZeroDivisionError
    assert told == ["committed"]


def test_insert_ignore_leaves_out_what_is_there(stack: Stack) -> None:
    table = User.__table__  # type: ignore[attr-defined]
    rows = [_user(f"{n}@example.com").model_dump(exclude={"id"}) for n in range(700)]
    with db.session() as session:
        assert db.insert_ignore(session, table, rows[:400]) == 400
        assert db.insert_ignore(session, table, rows) == 300


def test_another_secret_key_is_refused_with_a_sentence(stack: Stack, tmp_path: Path) -> None:
    config.use(config.load({**stack.env, "SECRET_KEY": "another key of enough length"}))
    with pytest.raises(config.StartError, match="another SECRET_KEY"):
        migrate.upgrade()
