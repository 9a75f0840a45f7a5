from datetime import timedelta

import pytest
from sqlmodel import col, select

from core import campaigns, db, hot
from core.delivery import batch, lease, usage, usual
from core.delivery.ledger import Claimed, Outcome
from core.models import Activity, MessageState
from jobs.dispatch import write_down
from tests.conftest import Stack
from tests.jobs import world

PEOPLE = world.people(12)


def claimed(count: int = 12, user_id: int | None = None) -> tuple[int, int, list[Claimed]]:
    user_id = user_id or world.add_user()
    sender_id = world.add_sender(user_id, 25)
    campaign_id = world.add_campaign(user_id, sender_id, PEOPLE)
    write_down(lambda _: None)
    with db.session() as session:
        assert lease.take(session, sender_id, "me") is not None
        messages = batch.claim(session, sender_id, 1, count)
    assert messages is not None
    return user_id, campaign_id, messages


def store(accepted: list[Claimed], marks: list[Claimed], alone: bool = True) -> usual.Touched:
    outcomes = [Outcome(message, MessageState.sent, "dot", 250, "2.0.0 it's in ∅") for message in accepted]
    with hot.Kept().transaction(alone=alone, temporary=usual.steps()) as on:
        usual.store(on, usual.entry(outcomes, marks))
    return usual.owners(outcomes, marks)


@pytest.mark.parametrize("alone", [True, False])
def test_marks_and_accepted_mails_are_written_with_their_counters(stack: Stack, alone: bool) -> None:
    user_id, campaign_id, messages = claimed()
    assert store([], messages[:8], alone) == {(user_id, campaign_id)}
    assert world.states(campaign_id) == {"sending": 8, "claimed": 4}
    assert store(messages[:5], messages[8:10], alone) == {(user_id, campaign_id)}
    assert world.states(campaign_id) == {"sent": 5, "sending": 5, "claimed": 2}
    row = world.message(campaign_id, PEOPLE[0])
    assert (row.attempts, row.phase, row.reply_code, row.reply) == (1, "dot", 250, "2.0.0 it's in ∅")
    assert row.sent_at is not None
    with db.reading() as session:
        assert abs(row.sent_at - db.now(session)) < timedelta(seconds=60)
        hours = session.exec(select(Activity).where(col(Activity.campaign_id) == campaign_id)).all()
    assert [(hour.sent_count, hour.failed_count) for hour in hours] == [(5, 0)]


def test_where_one_is_not_as_believed_nothing_of_the_group_is_written(stack: Stack) -> None:
    user_id, campaign_id, messages = claimed()
    store([], messages[:4])
    strange = [
        ([messages[5]], []),  # accepted, but never marked
        (messages[:2], [messages[0]]),  # marked twice
        ([], [Claimed(**{**{name: getattr(messages[6], name) for name in Claimed.__slots__}, "epoch": 7})]),
        ([], [Claimed(**{**{name: getattr(messages[6], name) for name in Claimed.__slots__}, "sender_id": 7})]),
    ]
    for accepted, marks in strange:
        with pytest.raises(usual.NotAll):
            store(accepted, marks)
        assert world.states(campaign_id) == {"sending": 4, "claimed": 8}
    with db.session() as session:
        campaigns.pause(session, user_id, campaign_id)
    with pytest.raises(usual.NotAll):
        store([], [messages[7]])
    store(messages[:4], [])  # what is out already is settled all the same
    assert world.states(campaign_id) == {"sent": 4, "claimed": 8}


def test_mails_of_several_senders_are_written_together_or_not_at_all(stack: Stack) -> None:
    user_id, one, mine = claimed(4)
    _, other, theirs = claimed(4, user_id)
    store([], [*theirs[:2], *mine[:3]])
    store([theirs[1], mine[1]], [theirs[2]])
    with pytest.raises(usual.NotAll):
        store([mine[2]], [theirs[2]])  # marked already
    with pytest.raises(usual.NotAll):
        store([mine[0], theirs[3]], [])  # never marked
    assert world.states(one) == {"sent": 1, "sending": 2, "claimed": 1, "pending": 8}
    assert world.states(other) == {"sent": 1, "sending": 2, "claimed": 1, "pending": 8}
    assert world.message(other, PEOPLE[1]).reply == "2.0.0 it's in ∅"


def test_nothing_is_marked_for_a_sender_that_the_campaign_has_no_more(stack: Stack) -> None:
    user_id, campaign_id, messages = claimed()
    other_id = world.add_sender(user_id, 26)
    with world.changing(campaign_id) as row:
        row.sender_id = other_id
    with pytest.raises(usual.NotAll):
        store([], messages[:1])
    with pytest.raises(usual.NotAll), hot.Kept().transaction(alone=True) as on:
        usual.look(on, messages[:1])


def test_a_group_that_is_rolled_back_leaves_the_connection_as_good_as_before(stack: Stack) -> None:
    _, campaign_id, messages = claimed()
    db.connect()  # new connections, as at the start of a program
    with pytest.raises(usual.NotAll):
        store([messages[0]], [], alone=False)
    store([], messages[:3])
    store(messages[:3], [])
    assert world.states(campaign_id) == {"sent": 3, "claimed": 9}


def test_only_all_that_may_be_sent_pass_the_look_before_their_starts(stack: Stack) -> None:
    user_id, campaign_id, messages = claimed()
    with hot.Kept().transaction() as on:
        usual.look(on, messages)
        usual.look(on, [])
    with db.session() as session:
        usage.lock(session, {messages[0].sender_id})
        campaigns.pause(session, user_id, campaign_id)
    with pytest.raises(usual.NotAll), hot.Kept().transaction() as on:
        usual.look(on, messages[:1])
