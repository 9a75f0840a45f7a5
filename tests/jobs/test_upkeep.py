from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Table
from sqlmodel import Session, select

from core import db
from core.models import CampaignSample
from jobs import upkeep
from tests import rows
from tests.conftest import Stack


def test_counters_of_all_that_runs_are_kept_a_chunk_in_a_transaction(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "chunk_rows", lambda session: 2)
    sizes, insert = list[int](), db.insert_ignore

    def noted(session: Session, table: Table, rows: Sequence[dict[str, Any]]) -> int:
        sizes.append(len(rows))
        return insert(session, table, rows)

    with db.session() as session:
        alice = rows.user(session)
        ids = [rows.campaign(session, alice, {"sent": ["a@x.io"]}) for _ in range(5)]
    monkeypatch.setattr(db, "insert_ignore", noted)
    for _ in range(2):  # another worker does the same
        upkeep.sample()
    with db.reading() as session:
        kept = session.exec(select(CampaignSample)).all()
    assert {row.campaign_id for row in kept} == set(ids)
    assert sizes[:3] == [2, 2, 1]
    assert {row.sent_count for row in kept} == {1}
