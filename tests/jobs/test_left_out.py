"""What somebody holds for a domain that is left out, and what comes back of it."""

import pytest

from core import campaigns, db, hot
from core.delivery import batch, lease, ledger, usual
from core.delivery.ledger import Claimed, Outcome
from core.delivery.replies import LEFT_OUT
from core.delivery.tally import Tally
from core.models import RefusingDomain
from jobs import batches
from jobs.dispatch import write_down
from jobs.flush import Group, flush
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.domains import BLOCKED, KIND, STRICT, alternating, failed_rules, refuses


def _held(user_id: int, port: int, people: list[str]) -> tuple[int, int, list[Claimed]]:
    """(sender, campaign, its mails in the hands of the sender's owner, in order of their addresses)."""
    sender_id = world.add_sender(user_id, port)
    campaign_id = world.add_campaign(user_id, sender_id, people)
    write_down(lambda sender_id: None)
    return sender_id, campaign_id, _claimed(sender_id)


def _claimed(sender_id: int) -> list[Claimed]:
    with db.session() as session:
        held = lease.take(session, sender_id, f"owner of {sender_id}")
        assert held is not None
        messages = batch.claim(session, sender_id, held.epoch, 100)
    return sorted(messages or [], key=lambda message: message.email)


def _leave_out(campaign_id: int) -> None:
    with db.session() as session:
        session.add(RefusingDomain(campaign_id=campaign_id, domain=STRICT, reply=BLOCKED, is_done=True))


def test_what_a_dead_owner_held_for_the_domain_is_not_claimed_again(stack: Stack) -> None:
    sender_id, campaign_id, held = _held(world.add_user(), 25, alternating(3))
    with db.session() as session:
        outcome = Outcome(held[1], "pending", "rcpt", 450, "4.2.0 Greylisted", "greylist", "x", 0.0)
        ledger.settle(session, [outcome], db.now(session), tally := Tally())
        tally.store(session, db.now(session))
    _leave_out(campaign_id)
    with db.session() as session:
        left_at = db.now(session)
        lease.return_held(session, sender_id, held[0].epoch)
    with db.session() as session:
        claimed = batch.claim(session, sender_id, held[0].epoch, 2)
    assert claimed is not None and {message.email for message in claimed} <= set(world.people(3, KIND))
    with db.session() as session:
        batch.claim(session, sender_id, held[0].epoch, 100)
    assert world.states(campaign_id) == {"claimed": 3, "failed": 3} and failed_rules(campaign_id) == {LEFT_OUT: 3}
    words = [world.message(campaign_id, email) for email in world.people(2, STRICT)]
    assert [row.attempts for row in words] == [1, 0]  # the first was asked to come back later
    assert all(row.retry_at > left_at for row in words)  # which tells when they failed
    assert [row.reply.split(",")[0] for row in words] == ["Not tried again", "Not tried"]


def test_a_mail_for_the_domain_does_not_start_whoever_holds_it(stack: Stack) -> None:
    user_id = world.add_user()
    before_id, campaign_id, stale = _held(user_id, 25, alternating(3))
    with db.session() as session:
        tally = Tally()
        assert ledger.mark(session, stale[:1], tally) == {stale[0].id}  # to person0000@kind.example
        tally.store(session, db.now(session))
    sender_id = world.add_sender(user_id, 26)
    with db.session() as session:
        campaigns.change_sender(session, user_id, campaign_id, sender_id)
    held = _claimed(sender_id)
    assert len(held) == 5
    _leave_out(campaign_id)
    with db.session() as session, pytest.raises(usual.NotAll):
        usual.look(hot.within(session), held)
    for messages, wanted in ((stale, set[int]()), (held, {message.id for message in held if KIND in message.email})):
        with db.session() as session:
            assert batches.look(session, messages[0].sender_id, messages)[0] == wanted
    assert world.states(campaign_id) == {"sending": 1, "claimed": 2, "failed": 3}
    assert failed_rules(campaign_id) == {LEFT_OUT: 3} and world.sender(before_id).id == before_id


def test_only_the_domains_whose_mails_are_put_back_are_tried_again(stack: Stack) -> None:
    user_id = world.add_user()
    _, campaign_id, held = _held(user_id, 25, [*alternating(2), "x@third.example"])
    _leave_out(campaign_id)
    with db.session() as session:
        batches.put_back(session, held[2:4])
        ledger.settle(
            session, [Outcome(held[4], "failed", "rcpt", 550, "No", "permanent", "no")], db.now(session), Tally()
        )
    with db.session() as session:
        campaigns.retry_failed(session, user_id, campaign_id, rule_id="no")
        assert session.get(RefusingDomain, (campaign_id, STRICT)) is not None
        campaigns.retry_failed(session, user_id, campaign_id, rule_id=LEFT_OUT)
        assert session.get(RefusingDomain, (campaign_id, STRICT), populate_existing=True) is None


def test_after_a_retry_it_takes_three_refusals_again(sqlite_stack: Stack) -> None:
    user_id, people, tried = world.add_user(), alternating(20), list[str]()
    with refuses(STRICT) as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, connections=1, batch_size=4)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))

        def two(phase: str, to: str) -> str | None:
            if phase == "rcpt":
                tried.append(to)
            return BLOCKED if phase == "rcpt" and len(tried) <= 2 else None

        receiver.script = two
        with db.session() as session:
            campaigns.retry_failed(session, user_id, campaign_id, rule_id=LEFT_OUT)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert world.states(campaign_id) == {"sent": 35, "failed": 5} and LEFT_OUT not in failed_rules(campaign_id)


def test_three_refusals_in_one_commit_leave_the_domain_out(stack: Stack) -> None:
    user_id = world.add_user()
    _, campaign_id, held = _held(user_id, 25, alternating(4))
    kind, strict = ([message for message in held if message.email.endswith(domain)] for domain in (KIND, STRICT))
    with db.session() as session:
        flush(session, Group(marks=kind[:1]))
        kind[0].marked = True
        flush(session, Group(outcomes=[Outcome(kind[0], "sent", "dot", 250, "OK")]))
    words = ("rcpt", 550, BLOCKED, "policy", "blocklist")
    refused = [Outcome(message, "failed", *words, alike=number + 1) for number, message in enumerate(strict[:3])]
    with db.session() as session:
        done = flush(session, Group(outcomes=refused))
    assert [left.domain for left in done.then] == [STRICT] and world.campaign(campaign_id).status == "sending"
