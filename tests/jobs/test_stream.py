"""In the middle of a run of mails that go well, something goes otherwise: the same comes of it as one by one."""

from collections.abc import Callable

import pytest

from core import campaigns, db
from jobs.stream import Stream
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.invariants import assert_kept
from tests.jobs.receiver import Receiver, Script
from tests.jobs.world import to_people

PEOPLE = world.people(20)
ODD = PEOPLE[9]
# (phase, what the server does there to one of the mails, what becomes of it)
CASES = [
    ("mail", "451 4.3.0 Temporary system problem", "pending"),
    ("mail", "drop", "sent"),
    ("rcpt", "550 5.1.1 User unknown", "failed"),
    ("rcpt", "450 4.2.0 Greylisted, try again", "pending"),
    ("rcpt", "421 4.3.2 Closing the connection", "sent"),
    ("rcpt", "drop", "sent"),
    ("data", "554 5.5.0 No", "failed"),
    ("data", "drop", "sent"),
    ("body", "552 5.3.4 Too big", "failed"),
    ("dot", "554 5.7.1 This mail is refused", "failed"),
    ("dot", "452 4.2.2 Mailbox full", "pending"),
    ("dot", "421 4.3.2 Closing the connection", "sent"),
    ("dot", "drop", "unknown"),
]


def once(phase: str, answer: str) -> Script:
    """Says ``answer`` to ``ODD`` in this phase, the first time. MAIL does not say to whom: it is the tenth."""
    mails, told = 0, False

    def script(at: str, recipient: str) -> str | None:
        nonlocal mails, told
        mails += at == "mail"
        if told or at != phase or not (recipient == ODD or (phase == "mail" and mails == 10)):
            return None
        told = True
        return answer

    return script


@pytest.fixture
def streamed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The recipients whose mails were accepted in a stream; on a busy machine, too, this server is quick."""
    for module in ("courier", "stream"):
        monkeypatch.setattr(f"jobs.{module}.QUICK", 60.0)
    seen: list[str] = []
    step: Callable[..., bool] = Stream._dot

    def look(self: Stream, mail: object) -> bool:
        if went_on := step(self, mail):
            seen.append(mail.message.email)  # type: ignore[attr-defined]
        return went_on

    monkeypatch.setattr(Stream, "_dot", look)
    return seen


@pytest.mark.parametrize("quick", [True, False], ids=["stream", "one by one"])
@pytest.mark.parametrize(("phase", "answer", "state"), CASES)
def test_what_is_not_as_usual_ends_as_it_does_one_by_one(
    phase: str,
    answer: str,
    state: str,
    quick: bool,
    streamed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    sqlite_stack: Stack,
) -> None:
    if not quick:
        monkeypatch.setattr("jobs.courier.QUICK", -1)
    expected = {email: state if email == ODD else "sent" for email in PEOPLE}
    with Receiver(once(phase, answer)) as receiver, world.engine() as engine:
        _, sender_id, campaign_id = to_people(receiver, PEOPLE, connections=1)
        world.dispatch(engine)
        world.until(lambda: world.by_address(campaign_id) == expected and world.sender(sender_id).owner == "")
    assert set(streamed) >= set(PEOPLE[3:8] if quick else []) and len(streamed) == len(set(streamed))
    assert quick or not streamed
    assert_kept(receiver, {campaign_id: PEOPLE}, unknown=state == "unknown")


def test_pausing_in_the_middle_sends_nothing_more_and_resuming_the_rest(streamed: list[str], stack: Stack) -> None:
    def pause(phase: str, recipient: str) -> str | None:
        if phase == "dot" and recipient == ODD and len(streamed) < 15:
            with db.session() as session:
                campaigns.pause(session, user_id, campaign_id)
        return None

    with Receiver(pause) as receiver, world.engine() as engine:
        user_id, sender_id, campaign_id = to_people(receiver, PEOPLE, connections=1)
        world.dispatch(engine)
        world.until(lambda: world.campaign(campaign_id).status == "paused" and world.sender(sender_id).owner == "")
        assert len(streamed) >= 5 and len(receiver.accepted) <= 12  # two were marked already
        assert assert_kept(receiver, {campaign_id: PEOPLE})["sent"] == len(receiver.accepted)
        receiver.script = lambda phase, recipient: None
        with db.session() as session:
            campaigns.resume(session, user_id, campaign_id)
        world.dispatch(engine)
        world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: PEOPLE}) == {"sent": 20}


def test_stopping_in_the_middle_leaves_nothing_in_doubt(streamed: list[str], stack: Stack) -> None:
    with Receiver() as receiver:
        people = world.people(400)
        with world.engine() as engine:
            _, _, campaign_id = to_people(receiver, people, connections=4)
            world.dispatch(engine)
            receiver.wait(lambda: len(receiver.accepted) >= 50)
        assert len(streamed) >= 10 and 50 <= len(receiver.accepted) < 400
        assert_kept(receiver, {campaign_id: people})
        with world.engine() as engine:
            world.until(lambda: world.done(campaign_id), poke=lambda: world.dispatch(engine))
    assert assert_kept(receiver, {campaign_id: people}) == {"sent": 400}
