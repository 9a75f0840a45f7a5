"""Try it now: everything a newcomer needs to see the whole job, once, and away again without a trace."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import col, select

from core import campaigns, db
from core.audience import book, contacts, samples, suppression
from core.campaigns import first_steps, trial
from core.content import templates
from core.delivery import sandbox, senders
from core.errors import RuleError
from core.models import Campaign, Contact, ContactList, Message, Sample, Sender, Suppression, Template
from jobs.dispatch import tick
from tests import rows
from tests.conftest import Stack
from tests.core.tracking.test_opens import waits_for_a_lock

REAL = senders.Values(name="R", host="smtp.example.com", username="u", password="p", from_address="a@example.com")


def newcomer(email: str = "alice@example.com") -> int:
    with db.session() as session:
        user_id = rows.user(session, email)
        senders.add_sandbox(session, user_id)
        return user_id


def begin(user_id: int, start: bool = True) -> int:
    with db.session() as session:
        return trial.begin(session, user_id, start)


def counts(user_id: int) -> dict[str, int]:
    with db.reading() as session:
        return {
            model.__name__: len(session.exec(select(model).where(col(model.user_id) == user_id)).all())
            for model in (Contact, ContactList, Template, Campaign, Suppression, Sample)
        }


def test_it_makes_everything_and_starts_it_and_twice_is_once(stack: Stack) -> None:
    alice, charlie = newcomer(), newcomer("charlie@example.com")
    campaign_id = begin(alice)
    assert begin(alice) == campaign_id
    everything = {"Contact": 120, "ContactList": 1, "Template": 1, "Campaign": 1, "Suppression": 0, "Sample": 3}
    assert counts(alice) == everything
    assert set(counts(charlie).values()) == {0}
    with db.reading() as session:
        made = campaigns.get(session, alice, campaign_id)
        sender = session.get_one(Sender, made.sender_id)
        assert made.status == "scheduled" and made.name == "Sample campaign"
        assert sender.is_sandbox and sender.per_minute == trial.PER_MINUTE
        assert sandbox.setting(session, alice).readers
        (people,) = contacts.lists(session, alice)
        assert (people.name, people.contact_count) == ("Sample contacts", 120)
        assert {contact.domain for contact in book.page(session, alice, limit=200).rows} == set(samples.DOMAINS)
    tick(lambda sender_id: None)
    with db.reading() as session:
        assert campaigns.get(session, alice, campaign_id).recipients_count == 120
        assert len(session.exec(select(Message.id)).all()) == 120


def test_a_draft_can_be_looked_at_first_and_a_pace_of_ones_own_stays(sqlite_stack: Stack) -> None:
    alice = newcomer()
    with db.session() as session:
        session.exec(select(Sender)).one().per_minute = 30
    campaign_id = begin(alice, start=False)
    with db.reading() as session:
        assert campaigns.get(session, alice, campaign_id).status == "draft"
        assert session.exec(select(Sender)).one().per_minute == 30
        assert campaigns.problems(session, alice, campaign_id) == []
    assert begin(alice) == campaign_id
    with db.reading() as session:
        assert campaigns.get(session, alice, campaign_id).status == "scheduled"


def test_after_one_that_was_sent_there_is_a_second(sqlite_stack: Stack) -> None:
    alice = newcomer()
    first = begin(alice)
    with db.session() as session:
        campaigns.cancel(session, alice, first)
        book.delete_contact(session, alice, book.page(session, alice).rows[0].id or 0)
    second = begin(alice)
    assert second != first
    with db.reading() as session:
        assert campaigns.get(session, alice, second).name == "Sample campaign 2"
        assert trial.found(session, alice) == trial.Samples(True, second)
    assert counts(alice)["Contact"] == 120 and counts(alice)["ContactList"] == 1


def test_it_is_taken_away_without_a_trace_and_what_is_ones_own_stays(stack: Stack) -> None:
    alice, charlie = newcomer(), newcomer("charlie@example.com")
    begin(charlie)
    campaign_id = begin(alice)
    with db.session() as session:
        own = contacts.create_list(session, alice, "My own")
        mixed = [("anna@example.com", {"first_name": "Anna"}), *samples.people()[:2]]
        contacts.add_people(session, alice, own, mixed, ["first_name"])
        templates.create(session, alice, "My own", body="Hello")
        suppression.suppress(session, alice, samples.people()[0][0], "bounced")
        suppression.suppress(session, alice, "other@example.com", "manual")
    with db.session() as session:
        trial.remove(session, alice)
    with db.session() as session:
        trial.remove(session, alice)
        assert trial.found(session, alice) == trial.Samples(False, 0)
        assert [(one.name, one.contact_count) for one in contacts.lists(session, alice)] == [("My own", 1)]
        assert [one.email for one in book.page(session, alice).rows] == ["anna@example.com"]
        assert [one.name for one in templates.list_all(session, alice)] == ["My own"]
        assert [one.email for one in suppression.page(session, alice).rows] == ["other@example.com"]
        assert campaigns.list_all(session, alice) == []
        gone = session.get_one(Campaign, campaign_id)
        assert gone.status == "cancelled" and gone.deleted_at
    assert counts(charlie)["Contact"] == 120 and counts(charlie)["Campaign"] == 1
    assert begin(alice) != campaign_id  # and it may begin again


def test_a_removed_list_or_template_is_made_again(sqlite_stack: Stack) -> None:
    alice = newcomer()
    first = begin(alice)
    with db.session() as session:
        campaigns.cancel(session, alice, first)
        contacts.delete_list(session, alice, contacts.lists(session, alice)[0].id or 0)
        templates.delete(session, alice, templates.list_all(session, alice)[0].id or 0)
    begin(alice)
    assert counts(alice)["ContactList"] == counts(alice)["Template"] == 1


def test_sample_contacts_are_never_mailed_through_a_real_provider(sqlite_stack: Stack) -> None:
    alice = newcomer()
    campaign_id = begin(alice, start=False)
    with db.session() as session:
        real = senders.create(session, alice, REAL)
        version = campaigns.get(session, alice, campaign_id).version
        campaigns.save_draft(session, alice, campaign_id, version, sender_id=real.id)
        (problem,) = campaigns.problems(session, alice, campaign_id)
        assert "sample contacts" in problem
        with pytest.raises(RuleError, match="sample contacts"):
            campaigns.send_now(session, alice, campaign_id)


def test_sample_contacts_on_a_list_that_is_left_out_stop_nothing(stack: Stack) -> None:
    alice = newcomer()
    campaign_id = begin(alice, start=False)
    with db.session() as session:
        real = senders.create(session, alice, REAL)
        version = campaigns.get(session, alice, campaign_id).version
        campaigns.save_draft(session, alice, campaign_id, version, sender_id=real.id)
        (samples_list,) = campaigns.list_ids(session, alice, campaign_id)
        mixed = contacts.create_list(session, alice, "Mixed")
        contacts.add_people(session, alice, mixed, [("anna@example.com", {}), *samples.people()[:2]], [])
        campaigns.set_lists(session, alice, campaign_id, [mixed])
        assert len(campaigns.problems(session, alice, campaign_id)) == 1
        campaigns.set_lists(session, alice, campaign_id, [mixed], [samples_list])
        assert campaigns.problems(session, alice, campaign_id) == []


def test_lists_that_grow_while_the_samples_go_keep_a_right_count(postgres_stack: Stack) -> None:
    alice = newcomer()
    with db.session() as session:
        grows = contacts.create_list(session, alice, "Grows")
        people = [("anna@example.com", {}), *samples.people()[:2]]
    with db.session() as upload, ThreadPoolExecutor(1) as pool:
        contacts.add_people(upload, alice, grows, people, [])
        removing = pool.submit(_remove_samples, alice)
        while not waits_for_a_lock():
            assert not removing.done()
        upload.commit()
        removing.result(10)
    with db.reading() as session:
        assert contacts.get_list(session, alice, grows).contact_count == 1


def _remove_samples(user_id: int) -> int:
    with db.session() as session:
        return samples.remove(session, user_id)


def steps(user_id: int) -> first_steps.Steps:
    with db.reading() as session:
        return first_steps.steps(session, user_id)


def test_the_steps_tick_themselves_by_what_is_ones_own(stack: Stack) -> None:
    alice, charlie = newcomer(), newcomer("charlie@example.com")
    begin(alice)
    tick(lambda sender_id: None)
    assert (steps(alice).done_count, steps(alice).samples.is_there) == (0, True)
    with db.session() as session:
        real = senders.create(session, alice, REAL)
        own = contacts.create_list(session, alice, "My own")
        contacts.add_people(session, alice, own, [("anna@example.com", {})], [])
    assert (steps(alice).sender, steps(alice).contacts, steps(alice).campaign) == (True, True, False)
    with db.session() as session:
        rows.campaign(session, alice, {"sent": ["anna@example.com"]}, status="sent", sender_id=real.id)
    assert steps(alice).all_done and not steps(alice).is_closed
    with db.session() as session:
        first_steps.close(session, alice)
        first_steps.close(session, alice)
    assert steps(alice).is_closed
    assert steps(charlie).done_count == 0 and not steps(charlie).is_closed
