from collections import Counter
from datetime import timedelta

from sqlmodel import col, select

from core import campaigns, db
from core.audience import suppression
from core.delivery import batch, lease, ledger
from core.delivery.holds import Openings
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Tally
from core.models import Activity, Attempt, MessageState
from jobs.dispatch import write_down
from tests.conftest import Stack
from tests.jobs import world

PEOPLE = world.people(20)


def sending(*audiences: list[str]) -> tuple[int, int, list[int]]:
    """(user, sender owned under epoch 1, campaigns that send to these people)."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, 25)
    ids = [world.add_campaign(user_id, sender_id, people) for people in audiences]
    write_down(lambda _: None)
    with db.session() as session:
        assert lease.take(session, sender_id, "me") is not None
    return user_id, sender_id, ids


def claim(sender_id: int, size: int = 100) -> list[Claimed]:
    with db.session() as session:
        messages = batch.claim(session, sender_id, 1, size)
    assert messages is not None
    return messages


def mark(messages: list[Claimed]) -> set[int]:
    with db.session() as session:
        tally = Tally()
        marked = ledger.mark(session, messages, tally)
        tally.store(session, db.now(session))
    for message in messages:
        message.marked = message.id in marked
    return marked


def settle(*outcomes: Outcome) -> None:
    with db.session() as session:
        tally, now = Tally(), db.now(session)
        ledger.settle(session, outcomes, now, tally)
        tally.store(session, now)


def test_a_message_goes_from_pending_to_sent_and_is_counted(stack: Stack) -> None:
    _, sender_id, [campaign_id] = sending(PEOPLE)
    messages = claim(sender_id)
    assert [message.email for message in messages] == PEOPLE
    assert messages[0].fields == {"first_name": "person0000"}
    assert world.states(campaign_id) == {"claimed": 20}
    assert mark(messages) == {message.id for message in messages}
    assert world.states(campaign_id) == {"sending": 20}
    settle(*(Outcome(message, MessageState.sent, "dot", 250, "2.0.0 ok") for message in messages))
    assert world.states(campaign_id) == {"sent": 20}
    row = world.message(campaign_id, PEOPLE[3])
    assert (row.attempts, row.reply_code, row.reply) == (1, 250, "2.0.0 ok") and row.sent_at is not None
    with db.reading() as session:
        assert session.exec(select(Activity.sent_count)).all() == [20]


def test_a_mark_told_twice_because_the_commits_answer_was_lost_still_allows_the_dot(stack: Stack) -> None:
    _, sender_id, [campaign_id] = sending(PEOPLE[:2])
    messages = claim(sender_id)
    assert mark(messages) == mark(messages) == {message.id for message in messages}
    assert world.states(campaign_id) == {"sending": 2}


def test_a_paused_campaign_and_a_suppressed_address_are_not_marked(stack: Stack) -> None:
    user_id, sender_id, [first, second] = sending(PEOPLE[:3], PEOPLE[10:13])
    messages = claim(sender_id)
    with db.session() as session:
        campaigns.pause(session, user_id, first)
        suppression.suppress(session, user_id, PEOPLE[10], "unsubscribed")
    marked = mark(messages)
    assert {message.email for message in messages if message.id in marked} == set(PEOPLE[11:13])
    assert world.states(first) == {"pending": 3}
    assert world.states(second) == {"sending": 2, "suppressed": 1}


def claimed_by_another(sender_id: int, user_id: int, campaign_id: int) -> list[Claimed]:
    """The same mails, claimed by a second sender under the same epoch since the rest was given to it."""
    other_id = world.add_sender(user_id, 26)
    with db.session() as session:
        campaigns.change_sender(session, user_id, campaign_id, other_id)
        held = lease.take(session, other_id, "me")
    assert held is not None and held.epoch == world.sender(sender_id).epoch
    return claim(other_id)


def test_who_claimed_before_the_sender_was_changed_decides_nothing_about_what_another_claimed_since(
    stack: Stack,
) -> None:
    user_id, sender_id, [campaign_id] = sending(PEOPLE[:4])
    late = claim(sender_id)
    mine = claimed_by_another(sender_id, user_id, campaign_id)
    assert [message.id for message in mine] == [message.id for message in late]
    assert mark(late) == set()
    with db.session() as session:
        tally = Tally()
        assert ledger.still_wanted(session, late, tally) == set()
        ledger.put_off(session, [(message, 60.0) for message in late], db.now(session), tally)
        tally.store(session, db.now(session))
    assert world.states(campaign_id) == {"claimed": 4}
    assert mark(mine) == {message.id for message in mine}
    assert mark(late) == set()  # nor is it taken for a mark of its own whose answer was lost
    for message in late:
        message.marked = True
    settle(Outcome(late[0], MessageState.sent, "dot", 250, "2.0.0 ok"))
    settle(Outcome(late[1], MessageState.failed, "dot", 554, "5.7.1 spam", "content", "spam"))
    settle(Outcome(late[2], MessageState.unknown, "dot", None, "gone", "unknown"))
    assert world.states(campaign_id) == {"sending": 4}
    settle(*(Outcome(message, MessageState.sent, "dot", 250, "2.0.0 ok") for message in mine))
    assert world.states(campaign_id) == {"sent": 4}


def test_what_was_claimed_while_the_sender_was_changed_is_not_marked_and_goes_back(stack: Stack) -> None:
    user_id, sender_id, [campaign_id] = sending(PEOPLE[:3])
    other_id = world.add_sender(user_id, 26)
    with world.changing(campaign_id) as row:  # a claim that had looked at the campaign just before
        row.sender_id = other_id
    with db.session() as session:
        held = batch.claim(session, sender_id, 1, 10, Openings({campaign_id: None}))
    assert held is not None and world.states(campaign_id) == {"claimed": 3}
    with db.session() as session:
        tally = Tally()
        assert ledger.still_wanted(session, held[:1], tally) == set()
        tally.store(session, db.now(session))
    assert mark(held) == set()
    assert world.states(campaign_id) == {"pending": 3}


def test_a_late_answer_to_the_sender_before_settles_what_nobody_knew(stack: Stack) -> None:
    user_id, sender_id, [campaign_id] = sending(PEOPLE[:4])
    under_way = claim(sender_id, 2)
    mark(under_way)
    other = claimed_by_another(sender_id, user_id, campaign_id)
    assert world.states(campaign_id) == {"sending": 2, "claimed": 2} and len(other) == 2
    with db.session() as session:
        lease.return_held(session, sender_id, 1)  # its worker died
    assert world.states(campaign_id) == {"unknown": 2, "claimed": 2}
    settle(Outcome(under_way[0], MessageState.sent, "dot", 250, "2.0.0 ok"))
    assert world.states(campaign_id) == {"sent": 1, "unknown": 1, "claimed": 2}
    assert {world.message(campaign_id, email).sender_id for email in PEOPLE[:2]} == {sender_id}


def test_a_claim_leaves_out_who_was_suppressed_before(stack: Stack) -> None:
    user_id, sender_id, [campaign_id] = sending(PEOPLE)
    with db.session() as session:
        for email in PEOPLE[:15]:
            suppression.suppress(session, user_id, email, "complained")
    assert [message.email for message in claim(sender_id, 10)] == PEOPLE[15:]
    assert world.states(campaign_id) == {"suppressed": 15, "claimed": 5}


def test_another_users_suppression_changes_nothing(stack: Stack) -> None:
    charlie = world.add_user("charlie@example.com")
    _, sender_id, [campaign_id] = sending(PEOPLE)
    with db.session() as session:
        suppression.suppress(session, charlie, PEOPLE[0], "unsubscribed")
    assert len(claim(sender_id)) == 20
    assert world.states(campaign_id) == {"claimed": 20}


def test_a_batch_is_shared_between_campaigns(stack: Stack) -> None:
    _, sender_id, [large, small, tiny] = sending(PEOPLE, PEOPLE[:6], PEOPLE[:1])
    shares = Counter(message.campaign_id for message in claim(sender_id, 12))
    assert shares == {large: 6, small: 5, tiny: 1} or shares == {large: 5, small: 6, tiny: 1}
    assert [world.campaign(id).batch_count for id in (large, small, tiny)] == [1, 1, 1]


def test_only_what_is_due_is_claimed(stack: Stack) -> None:
    _, sender_id, [campaign_id] = sending(PEOPLE[:2])
    first, second = claim(sender_id)
    settle(Outcome(first, MessageState.pending, "rcpt", 450, "Greylisted", "greylist", "grey", retry_after=300))
    settle(Outcome(second, MessageState.pending, "mail", 451, "Slow down", "throttle_rate", "slow", counts=False))
    again = claim(sender_id)
    assert [message.email for message in again] == [second.email] and again[0].attempts == 0
    db.clock_offset += timedelta(seconds=301)
    assert [(message.email, message.attempts) for message in claim(sender_id)] == [(first.email, 1)]
    with db.reading() as session:
        kinds = session.exec(select(Attempt.kind).where(col(Attempt.campaign_id) == campaign_id)).all()
    assert sorted(kinds) == ["greylist", "throttle_rate"]


def test_a_result_told_twice_counts_once(stack: Stack) -> None:
    _, sender_id, [campaign_id] = sending(PEOPLE[:1])
    messages = claim(sender_id)
    refusal = Outcome(messages[0], MessageState.failed, "rcpt", 550, "unknown", "bad_recipient", "r", bounced=True)
    settle(refusal)
    settle(refusal)
    assert world.states(campaign_id) == {"failed": 1}
    assert world.campaign(campaign_id).bounced_count == 1


def test_strange_bytes_in_a_reply_are_kept_as_text(stack: Stack) -> None:
    _, sender_id, [campaign_id] = sending(PEOPLE[:2])
    first, second = claim(sender_id)
    mark([first, second])
    settle(
        Outcome(first, MessageState.sent, "dot", 250, "\ufffd 'quoted' \"and\" \\ %s :x"),
        Outcome(second, MessageState.failed, "dot", 554, "\ufffd '", "permanent", "r"),
    )
    assert world.states(campaign_id) == {"sent": 1, "failed": 1}
    assert world.message(campaign_id, first.email).reply == "\ufffd 'quoted' \"and\" \\ %s :x"
