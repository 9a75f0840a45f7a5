import threading
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import col, select

from core import db
from core.audience import suppression
from core.delivery import snapshot
from core.models import CampaignList, Message
from jobs.dispatch import write_down
from tests.conftest import Stack
from tests.jobs import world


def emails(campaign_id: int) -> list[str]:
    with db.reading() as session:
        return list(
            session.exec(select(Message.email).where(col(Message.campaign_id) == campaign_id).order_by(col(Message.id)))
        )


def test_recipients_are_written_down_in_chunks_in_order_of_the_contacts(stack: Stack) -> None:
    user_id = world.add_user()
    people = world.people(1203)
    campaign_id = world.add_campaign(user_id, world.add_sender(user_id, 25), people)
    with db.session() as session:
        suppression.suppress(session, user_id, people[700], "bounced")
        more = snapshot.add_chunk(session, campaign_id)
    assert more == (stack.name == "sqlite")  # 500 rows a transaction there
    write_down(lambda _: None)
    assert emails(campaign_id) == people
    assert world.states(campaign_id) == {"pending": 1202, "suppressed": 1}
    row = world.campaign(campaign_id)
    assert row.snapshot_done and row.recipients_count == 1203
    message = world.message(campaign_id, people[5])
    assert (message.domain, message.fields) == ("example.org", {"first_name": "person0005"})


def test_who_is_in_several_lists_is_one_recipient(stack: Stack) -> None:
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    first = world.add_campaign(user_id, sender_id, world.people(700))
    second = world.add_campaign(user_id, sender_id, world.people(900)[300:])
    with db.session() as session:
        lists = session.exec(select(CampaignList.list_id).where(col(CampaignList.campaign_id) == second)).all()
        session.add_all([CampaignList(campaign_id=first, list_id=id) for id in lists])
    write_down(lambda _: None)
    assert sorted(emails(first)) == world.people(900)


def test_two_dispatchers_at_once_write_everybody_down_once(stack: Stack) -> None:
    user_id = world.add_user()
    campaign_id = world.add_campaign(user_id, world.add_sender(user_id, 25), world.people(2600))
    together = threading.Barrier(3)

    def work() -> None:
        together.wait(10)
        write_down(lambda _: None)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert emails(campaign_id) == world.people(2600)
    assert world.states(campaign_id) == {"pending": 2600}


@pytest.mark.parametrize("known", [False, True], ids=["no statistics", "those of empty tables"])
def test_just_after_an_upload_postgresql_looks_nobody_up_among_all_contacts(postgres_stack: Stack, known: bool) -> None:
    """So a join of many people took a time that grew with their square: 9 s for 2,600."""
    if known:
        with db.session() as session:
            session.execute(text("analyze"))
    user_id = world.add_user()
    world.add_campaign(user_id, world.add_sender(user_id, 25), world.people(3000))
    asked: list[tuple[str, Any]] = []

    def note(_on: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine(), "before_cursor_execute", note)
    write_down(lambda _: None)
    event.remove(db.engine(), "before_cursor_execute", note)
    ((insert, given),) = [each for each in asked if "insert into message" in each[0]]
    with db.reading() as session:
        plan = session.connection().exec_driver_sql(f"explain (analyze, format json) {insert}", given).scalar()
    assert _rows_seen(plan[0]["Plan"]) < 30 * 3000, plan


def test_postgresql_looks_at_the_messages_of_a_large_campaign_while_they_grow_and_at_their_end(
    postgres_stack: Stack,
) -> None:
    """A claim whose plan was kept from before took 1 s with 100,000 of them, until autovacuum came by."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    with db.session() as session:
        session.execute(text("analyze"))
    world.add_campaign(user_id, sender_id, world.people(600))
    write_down(lambda _: None)
    assert _known_messages() <= 600
    large = world.add_campaign(user_id, sender_id, world.people(snapshot.LARGE + 100, "example.net"))
    with db.session() as session:
        assert snapshot.add_chunk(session, large)
    assert _known_messages() == snapshot.LARGE + 600
    write_down(lambda _: None)
    assert _known_messages() == snapshot.LARGE + 700


def _known_messages() -> float:
    with db.reading() as session:
        known: float = session.execute(text("select reltuples from pg_class where relname = 'message'")).scalar_one()
        return known


def _rows_seen(node: dict[str, Any]) -> float:
    """All rows that this step of a plan and those below it came by, whether they were wanted or not."""
    own = node["Actual Rows"] + sum(count for name, count in node.items() if name.startswith("Rows Removed"))
    return float(own * node["Actual Loops"] + sum(map(_rows_seen, node.get("Plans", ()))))


def test_a_campaign_without_people_is_done_at_once(stack: Stack) -> None:
    user_id = world.add_user()
    campaign_id = world.add_campaign(user_id, world.add_sender(user_id, 25), [])
    write_down(lambda _: None)
    assert world.campaign(campaign_id).snapshot_done
