"""What the sandbox plays: mail providers as they are on a bad day, so that one has seen it before it happens."""

import math
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Literal

from core.errors import RuleError

NORMAL = "normal"
_MOST_KNOWN = 100_000  # addresses that greylisting remembers
_RATE = "451 4.7.1 Ratelimit exceeded: at most {limit} mails per {window:.0f} seconds, try again in {wait} seconds"
_GREYLISTED = "450 4.2.0 <{address}>: Recipient address rejected: Greylisted, try again in {wait} seconds"
_UNKNOWN = "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table"
# Gmail's words (support.google.com/a/answer/166852).
_QUOTA = (
    "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to "
    "https://support.google.com/a/answer/166852"
)


@dataclass(frozen=True)
class Scenario:
    """``story``: what the provider does; ``shows``: what the user will see. What is not set does not happen."""

    key: str
    name: str
    story: str
    shows: str
    limit: int = 0  # mails per ``window``
    window: float = 60.0  # seconds
    greylisting: float = 0.0  # seconds until a new recipient is accepted
    dead_percent: int = 0  # of the addresses, always the same ones
    quota: int = 0  # mails from when the scenario was chosen
    delay: float = 0.0  # seconds before it answers a mail
    drop_every: int = 0  # each so-manyth mail ends its connection
    drop: Literal["before", "after"] = "before"  # the final dot


ALL: dict[str, Scenario] = {
    scenario.key: scenario
    for scenario in (
        Scenario(
            NORMAL,
            "All is well",
            "Takes every mail at once.",
            "Everything is sent within moments.",
        ),
        Scenario(
            "rate",
            "30 mails a minute",
            "Answers 451 4.7.1 to the 31st mail of a minute.",
            "The sender waits with a countdown, nothing counts as failed, and afterwards it goes slower by itself.",
            limit=30,
        ),
        Scenario(
            "greylisting",
            "Greylisting",
            "Answers 450 4.2.0 to the first try of every recipient and accepts the next one, 30 seconds later.",
            "Every mail waits once, then all of them are sent: two attempts in each timeline.",
            greylisting=30.0,
        ),
        Scenario(
            "dead",
            "1 % dead mailboxes",
            "Answers 550 5.1.1 to one address in a hundred, always the same ones.",
            "These fail for good, are explained, and go to the suppression list. The others are not touched.",
            dead_percent=1,
        ),
        Scenario(
            "quota",
            "Daily quota reached",
            "Takes 40 mails, then answers 550 5.4.5 in Gmail's words until you choose another provider here.",
            "The sender waits, longer each time, and asks with one mail whether the quota is over. Nothing is lost.",
            quota=40,
        ),
        Scenario(
            "slow",
            "Slow server",
            "Takes two seconds to answer each mail.",
            "The pace falls to about one mail a second with two connections, and the time of the finish moves.",
            delay=2.0,
        ),
        Scenario(
            "drop_before",
            "Hangs up in a mail",
            "Hangs up in the middle of every tenth mail, before its final dot.",
            "Such a mail was surely not sent: it goes out again on a new connection. All are sent in the end.",
            drop_every=10,
            drop="before",
        ),
        Scenario(
            "drop_after",
            "Hangs up after a mail",
            "Hangs up after the final dot of every tenth mail without an answer, and keeps half of these mails.",
            "Such a mail is unknown and never sent again by itself. You decide, and can look here whether it came.",
            drop_every=10,
            drop="after",
        ),
    )
}


def get(key: str) -> Scenario:
    """The scenario named ``key``. Raises RuleError for none of ours."""
    if key not in ALL:
        raise RuleError("There is no such provider in the sandbox.")
    return ALL[key]


class Play:
    """One scenario while it is played for one user. ``now`` is in seconds on a clock that nobody sets."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._starts: deque[float] = deque()
        self._taken = self._bodies = 0
        self._seen: dict[str, float] = {}
        self._dropped: set[str] = set()

    def mail(self, now: float) -> str | None:
        """The refusal of a MAIL FROM; None where the mail may come."""
        played = self.scenario
        if played.quota and self._taken >= played.quota:
            return _QUOTA
        while self._starts and self._starts[0] <= now - played.window:
            self._starts.popleft()
        if played.limit and len(self._starts) >= played.limit:
            wait = self._starts[0] + played.window - now
            return _RATE.format(limit=played.limit, window=played.window, wait=max(1, math.ceil(wait)))
        if played.limit:
            self._starts.append(now)
        return None

    def rcpt(self, address: str, now: float) -> str | None:
        """The refusal of a RCPT TO; None where the recipient is taken."""
        played = self.scenario
        if is_dead(address, played.dead_percent):
            return _UNKNOWN.format(address=address)
        if played.greylisting:
            if len(self._seen) >= _MOST_KNOWN:
                self._seen.clear()
            wait = self._seen.setdefault(address.lower(), now) + 0.9 * played.greylisting - now
            if wait > 0:
                return _GREYLISTED.format(address=address, wait=max(1, math.ceil(played.greylisting)))
        return None

    def drops(self, address: str) -> bool:
        """Whether the mail that comes now is one whose connection ends; asked once for each, and never twice yes."""
        self._bodies += 1
        if not self.scenario.drop_every or self._bodies % self.scenario.drop_every or address in self._dropped:
            return False
        self._dropped.add(address)
        return True

    def keeps_dropped(self) -> bool:
        """Whether the mail that was just dropped after its dot had arrived: every second one."""
        return len(self._dropped) % 2 == 1

    def taken(self) -> None:
        """A mail was accepted."""
        self._taken += 1


def is_dead(address: str, percent: int) -> bool:
    """Whether this address is among the ``percent`` % that do not exist: the same on every run and machine."""
    return zlib.crc32(address.lower().encode()) % 100 < percent
