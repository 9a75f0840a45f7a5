import os
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, MetaData, Table, insert, text
from sqlmodel import select

from core import campaigns, db, migrate
from core.audience import contacts, suppression
from core.errors import StartError
from core.models import Message, MessageState, Reading, Sender
from tests import forked, rows, servers
from tests.conftest import KEY, using

START = "from core import crypto, migrate; migrate.upgrade(); print(crypto.fingerprint())"


@pytest.fixture(params=["sqlite", "postgres"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Of a database with nothing in it."""
    made = {"DATA_DIR": str(tmp_path / "data"), "SECRET_KEY": KEY}
    if request.param == "postgres":
        made["DATABASE_URL"] = servers.fresh_database(request.getfixturevalue("postgres_url"), "to_migrate")
    return made


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_processes_that_start_at_once_make_one_database_and_one_key(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "data"
    env = {**os.environ, "DATA_DIR": str(folder)}
    if database == "postgres":
        env["DATABASE_URL"] = servers.fresh_database(request.getfixturevalue("postgres_url"), "started_at_once")
    starts = [forked.start_text(START, env) for _ in range(4)]
    ended = [forked.ended(*each) for each in starts]
    assert [code for code, _ in ended] == [0] * 4, ended
    said = {text.splitlines()[-1] for _, text in ended}
    assert len(said) == 1
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700  # sealed passwords and addresses are nobody else's to read


def test_what_was_opened_before_is_in_the_hours_of_readers(env: dict[str, str]) -> None:
    at = datetime(2026, 11, 22, 3, 57, 12, tzinfo=UTC)
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            _, ids = rows.sent_campaign(session, rows.user(session), [MessageState.sent] * 3)
            for message_id, minutes in zip(ids, (0, 1, 5), strict=True):
                session.get_one(Message, message_id).opened_at = at + timedelta(minutes=minutes)
            session.get_one(Message, ids[0]).clicked_at = at + timedelta(minutes=4)
        with db.engine().begin() as connection, Operations.context(MigrationContext.configure(connection)):
            readings = import_module("core.migrations.versions.0006_readings_samples")
            readings.downgrade()
            readings.upgrade()
        with db.reading() as session:
            kept = [(r.quarter_at, r.opened_count, r.clicked_count) for r in session.exec(select(Reading)).all()]
        assert sorted(kept) == [
            (datetime(2026, 11, 22, 3, 45, tzinfo=UTC), 2, 0),
            (datetime(2026, 11, 22, 4, 0, tzinfo=UTC), 1, 1),
        ]


def test_a_sender_that_sent_before_needs_no_test(env: dict[str, str]) -> None:
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            alice = rows.user(session)
            sent, failed, new = (rows.sender(session, alice, name=name).id for name in ("Sent", "Failed", "New"))
            sandbox = rows.sender(session, alice, is_sandbox=True).id
            rows.campaign(session, alice, {"sent": ["a@x.io"]}, sender_id=sent)
            rows.campaign(session, alice, {"failed": ["a@x.io"]}, sender_id=failed)
        with db.engine().execution_options(writing=True).begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0011")
        migrate.upgrade()
        with db.reading() as session:
            known = {sender.id: sender.test_problem for sender in session.exec(select(Sender))}
    assert known == {sent: "", failed: None, new: None, sandbox: ""}


def test_who_was_suppressed_by_a_file_before_is_known_by_having_no_mail_of_ours(env: dict[str, str]) -> None:
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            alice = rows.user(session)
            for name, reason, message_id in (
                ("file", "unsubscribed", None),
                ("reader", "unsubscribed", 7),
                ("hand", "manual", None),
                ("listmonk", "blocked", None),
            ):
                suppression.suppress(session, alice, f"{name}@example.com", reason, message_id)
        with db.engine().execution_options(writing=True).begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0016")
        migrate.upgrade()
        with db.reading() as session:
            found = {each.email[:4]: (each.reason, each.source) for each in suppression.page(session, alice).rows}
    assert found == {
        "file": ("unsubscribed", "An upload"),
        "read": ("unsubscribed", ""),
        "hand": ("manual", ""),
        "list": ("manual", ""),
    }


def test_who_goes_back_to_an_older_version_mails_nobody_who_was_left_out(env: dict[str, str]) -> None:
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            alice = rows.user(session)
            chosen, out = (contacts.create_list(session, alice, name) for name in ("Everybody", "Clients"))
            campaign_id = rows.campaign(session, alice, status="draft")
            campaigns.set_lists(session, alice, campaign_id, [chosen], [out])
        with db.engine().execution_options(writing=True).begin() as connection:
            command.downgrade(migrate.alembic_config(connection), "0003")
            assert connection.execute(text("select list_id from campaign_list")).scalars().all() == [chosen]
        migrate.upgrade()
        with db.reading() as session:
            assert campaigns.list_ids(session, alice, campaign_id) == [chosen]
            assert campaigns.left_out_ids(session, alice, campaign_id) == []


def test_the_first_version_with_data_in_it_becomes_this_one(env: dict[str, str]) -> None:
    tables = ("user", "sender", "contact_list", "contact", "list_member", "campaign", "message")
    with using(env):
        with db.engine().execution_options(writing=True).begin() as connection:
            command.upgrade(migrate.alembic_config(connection), "0001")
            for name in tables:
                _add_one(connection, name)
        migrate.upgrade()
        with db.engine().connect() as connection:
            counts = [connection.execute(text(f'select count(*) from "{name}"')).scalar() for name in tables]
            if db.is_sqlite():
                assert connection.execute(text("pragma foreign_keys")).scalar() == 1
                assert connection.execute(text("pragma foreign_key_check")).all() == []
        assert counts == [1] * len(tables)


_SOMETHING: dict[type, Any] = {
    int: 1,
    float: 1.0,
    str: "x",
    bool: False,
    dict: {},
    object: {},
    datetime: datetime(2026, 1, 1),
}


def _add_one(connection: Connection, name: str) -> None:
    """A row with something in every column that wants it."""
    table = Table(name, MetaData(), autoload_with=connection)
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable and not column.foreign_keys:
            continue
        kind = column.type.python_type
        values[column.name] = _SOMETHING[kind]
    connection.execute(insert(table).values(values))


def test_a_database_of_a_newer_version_is_said_in_a_sentence(env: dict[str, str]) -> None:
    with using(env):
        migrate.upgrade()
        with db.session() as session:
            session.connection().execute(text("update alembic_version set version_num = '9999'"))
        with pytest.raises(StartError, match="newer version"):
            migrate.upgrade()
