"""What must hold whatever happened. The judge is the log of the receiving mail server."""

from collections import Counter
from collections.abc import Mapping

from sqlmodel import col, func, select

from core import db
from core.models import Activity, Sender
from tests.jobs import world
from tests.jobs.receiver import Receiver

_ENDED = {"sent", "failed", "suppressed", "cancelled", "unknown", "pending"}


def assert_kept(
    receiver: Receiver, audiences: Mapping[int, list[str]], unknown: int = 0, per_minute: int | None = None
) -> Counter[str]:
    """The seven invariants, once nobody sends any more; returns state -> how many messages.

    ``audiences``: campaign id -> its recipients, nobody in two of them. ``unknown``: at most so many.
    """
    received, total = Counter(receiver.accepted), Counter[str]()
    for campaign_id, people in audiences.items():
        states = world.by_address(campaign_id)
        total += Counter(states.values())
        twice = [email for email in people if received[email] > 1]
        assert not twice, f"I1: more than one copy: {twice}"
        assert sorted(states) == sorted(people), "I2: recipients without a message, or messages without a recipient"
        assert set(states.values()) <= _ENDED, f"I2, I5: stuck on the way: {Counter(states.values())}"
        missing = [email for email, state in states.items() if state == "sent" and not received[email]]
        assert not missing, f"I3: called sent and never received: {missing}"
        untold = {email: states[email] for email in people if received[email]}
        assert set(untold.values()) <= {"sent", "unknown"}, f"I3: received, and not known to be: {untold}"
        _assert_counted(campaign_id)
    assert total["unknown"] <= unknown, f"I4: {total['unknown']} unknown"
    with db.reading() as session:
        owners = [owner for owner in session.exec(select(Sender.owner)).all() if owner]
    assert not owners, f"I5: senders still owned by {owners}"
    if per_minute is not None:
        assert_pace(receiver.starts, per_minute)
    return total


def assert_pace(starts: list[float], most: int, seconds: float = 60) -> None:
    """I6: in no stretch of so many seconds more than ``most`` began."""
    starts = sorted(starts)
    for first, beyond in zip(starts, starts[most:], strict=False):
        assert beyond - first > seconds, f"I6: {most + 1} mails within {beyond - first:.2f} s"


def _assert_counted(campaign_id: int) -> None:
    counted = world.states(campaign_id)  # compares each counter with the rows
    with db.reading() as session:
        hours = select(func.sum(Activity.sent_count)).where(col(Activity.campaign_id) == campaign_id)
        assert (session.exec(hours).one() or 0) >= counted.get("sent", 0), "I7: the chart and the counter differ"
