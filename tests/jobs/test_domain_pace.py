"""The pace to each recipient domain, as the receiving server sees it."""

from time import monotonic

from sqlmodel import col, select

from core import clock, db
from core.models import DomainPace, Message
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver, every

GAP = 1.03 * 60 / 60  # at 60 a minute


def test_a_domain_keeps_its_pace_over_a_restart_and_holds_up_nobody(stack: Stack) -> None:
    user_id = world.add_user()
    gmail = world.people(70, "gmail.com") + world.people(10, "googlemail.com")
    others = [f"person{number}@mail{number}.example" for number in range(20)]
    came: dict[str, float] = {}

    def note(phase: str, recipient: str) -> None:
        if phase == "rcpt":
            came[recipient] = monotonic()

    with Receiver(note) as receiver:  # type: ignore[arg-type]
        sender_id = world.add_sender(user_id, receiver.port, domain_per_minute=60, per_minute=6000, batch_size=20)
        # Mails of the large domain come first, and make up four fifths.
        campaign_id = world.add_campaign(user_id, sender_id, gmail + others)
        with world.engine() as engine:
            world.dispatch(engine)
            receiver.wait(lambda: len(set(receiver.accepted) & set(others)) == 20)
            began = receiver.starts[0]
            receiver.wait(lambda: len(receiver.accepted) >= 23)
        with db.reading() as session:
            waiting = session.exec(select(Message).where(col(Message.state) == "pending")).all()
            kept = session.exec(select(DomainPace).where(col(DomainPace.domain) == "gmail.com")).one()
        assert waiting and {message.attempts for message in waiting} == {0}
        assert kept.sender_id == sender_id
        with world.engine() as engine:
            before = len(receiver.accepted)
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= before + 2)
        assert receiver.most_open <= 2
    assert max(came[recipient] for recipient in others) < began + 10  # 80 of the large domain take more than a minute
    at = sorted(moment for recipient, moment in came.items() if recipient in gmail)
    # A mail may wait up to 3 s for its sender, and is made up for; in all there are never more.
    assert at[-1] - at[0] >= (len(at) - 1) * GAP - 3
    assert len(at) >= 5
    states = world.states(campaign_id)
    assert set(states) == {"sent", "pending"}


def test_a_domain_alone_is_sent_at_its_pace_to_the_end(sqlite_stack: Stack) -> None:
    user_id, people = world.add_user(), world.people(40, "gmail.com")
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port, domain_per_minute=600, batch_size=10)
        campaign_id = world.add_campaign(user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "sent", 20)
    assert sorted(receiver.accepted) == people and not receiver.twice
    took = receiver.starts[-1] - receiver.starts[0]
    assert 39 * 1.03 * 60 / 600 - 3 <= took <= 2 * 39 * 60 / 600, took


def test_the_first_limit_to_one_domain_counts_what_went_out_before(stack: Stack) -> None:
    with Receiver(every(60, lambda: limit(), most=1)) as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = world.to_people(receiver, world.people(400, "gmail.com"), batch_size=400)

        def limit() -> None:
            world.save_sender(user_id, sender_id, domain_per_minute=60)
            at_change.append(len(receiver.starts))

        at_change = list[int]()
        world.dispatch(engine)
        # What it holds is looked at again, and all but the next half minute is put off.
        world.until(lambda: world.sender(sender_id).epoch == 2 and waits(campaign_id) > 200)
        [changed] = at_change
        assert len(receiver.starts) - changed <= 2 * 3  # on either connection: two that were marked, and an envelope
        with db.reading() as session:
            until = session.exec(select(DomainPace.next_at).where(col(DomainPace.sender_id) == sender_id)).one()
        assert (until - clock.utcnow()).total_seconds() > 50


def waits(campaign_id: int) -> int:
    with db.reading() as session:
        later = col(Message.retry_at) > clock.utcnow()
        return len(session.exec(select(Message.id).where(col(Message.campaign_id) == campaign_id, later)).all())
