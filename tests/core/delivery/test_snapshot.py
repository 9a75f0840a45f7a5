import threading

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


def test_a_campaign_without_people_is_done_at_once(stack: Stack) -> None:
    user_id = world.add_user()
    campaign_id = world.add_campaign(user_id, world.add_sender(user_id, 25), [])
    write_down(lambda _: None)
    assert world.campaign(campaign_id).snapshot_done
