"""Mails that are made ahead of their turn."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.content.mail import Recipient
from core.delivery.ledger import Claimed
from jobs import maker
from jobs.maker import Mail, Maker

SMALL, LARGE = 1, 2
CONNECTION: Any = SimpleNamespace(size_limit=0, extensions={}, takes_utf8=False)


@dataclass
class Campaign:
    """Makes mails of so many bytes, and counts them."""

    size: int
    tail: bytes = b""
    made: list[int] = field(default_factory=list)

    def render(self, recipient: Recipient, at: datetime) -> bytes:
        self.made.append(recipient.message_id)
        return b"x" * self.size


def lane(*campaign_ids: int, limited: bool = False) -> Any:
    """With a mail of each of these campaigns waiting, in this order."""
    queue = deque(
        Claimed(number, campaign_id, 1, f"p{number}@example.com", {}, 0, 1, 1)
        for number, campaign_id in enumerate(campaign_ids)
    )
    campaigns = {SMALL: Campaign(3_000), LARGE: Campaign(200_000)}
    return SimpleNamespace(
        queue=queue, compiled=campaigns, slots=SimpleNamespace(limited=limited), from_address="news@example.com"
    )


@pytest.fixture(autouse=True)
def _has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "_SECONDS", 60.0)  # on a machine as busy as it may be


def make_next(of: Any) -> Mail:
    made = Maker(of).made(of.queue.popleft(), CONNECTION)
    assert made is not None
    return made


def test_each_mail_is_made_once_and_some_ahead_of_their_turn() -> None:
    of = lane(*[SMALL] * 100)
    make_next(of)
    assert 1 < len(of.compiled[SMALL].made) <= 32
    while of.queue:
        assert make_next(of).body == b"x" * 3_000
    assert of.compiled[SMALL].made == list(range(100))


def test_no_more_is_held_ahead_than_a_few_hundred_kilobytes() -> None:
    of = lane(*[SMALL, LARGE] * 16)
    make_next(of)
    assert sum(len(message.made[1]) for message in of.queue if message.made) < 262_144 + 200_000


def test_a_sender_with_a_pace_makes_none_ahead() -> None:
    of = lane(*[SMALL] * 10, limited=True)
    make_next(of)
    assert of.compiled[SMALL].made == [0]


def test_a_mail_made_before_its_campaign_was_changed_is_made_anew() -> None:
    of = lane(*[SMALL] * 10)
    make_next(of)
    of.compiled[SMALL] = changed = Campaign(4_000)
    assert make_next(of).body == b"x" * 4_000 and changed.made[0] == 1
