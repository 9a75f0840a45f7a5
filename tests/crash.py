"""``make crash``: workers are killed at random instants, again and again, and the mail server's log is the judge.

    python -m tests.crash [--stack sqlite|postgres] [--kills 200] [--mails 5000] [--seed N]

Prints lost (must be 0), twice (0) and unknown (at most 2 × connections × kills) per stack; ends with 1 otherwise. Then
20,000 mails go to a strict server that refuses one recipient in seven: how many were handled as they should.
"""

import argparse
import logging
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

from core import db, migrate
from tests import servers
from tests.conftest import KEY, Stack, using
from tests.jobs import processes, world
from tests.jobs.receiver import Receiver

_SENDERS, _CONNECTIONS = 2, 2  # connections of each
_REFUSED_MAILS = 20_000


@dataclass(frozen=True)
class Outcome:
    """``lost``: neither received nor said to be in doubt, or never decided."""

    mails: int
    kills: int
    lost: int
    twice: int
    unknown: int
    seconds: float

    @property
    def allowed(self) -> int:
        return 2 * _SENDERS * _CONNECTIONS * self.kills

    @property
    def well(self) -> bool:
        return self.lost == 0 and self.twice == 0 and self.unknown <= self.allowed

    def __str__(self) -> str:
        return (
            f"{self.mails:,} mails, {self.kills} kills, {self.seconds:.0f} s: lost {self.lost}, twice {self.twice}, "
            f"unknown {self.unknown} (at most {self.allowed:,})"
        )


def crash(stack: Stack, kills: int, mails: int, seed: int, quiet: bool = True) -> Outcome:
    """Send ``mails`` mails while the worker is killed ``kills`` times; the settings are those of ``stack``."""
    chance, began, killed = random.Random(seed), monotonic(), 0
    instant = Instant()
    with Receiver(instant) as receiver:
        user_id, people = world.add_user(), world.people(mails)
        ids = []
        for place in range(_SENDERS):
            sender_id = world.add_sender(user_id, receiver.port, connections=_CONNECTIONS)
            ids.append(world.add_campaign(user_id, sender_id, people[place::_SENDERS]))
        prepare = silent if quiet else None
        while killed < kills and not world.sent(*ids):
            with processes.worker(stack, prepare=prepare) as worker:
                if chance.random() < 0.2:
                    sleep(chance.uniform(0, 0.25))  # at any time of the start
                    worker.kill()
                else:
                    instant.arm(worker, chance, events=4 * mails // kills)
                    world.until(lambda: not instant.armed or world.sent(*ids), 60)
                worker.join(60 if not instant.armed else 0)
            instant.armed = False
            killed += 1
            processes.lapse()
        with processes.worker(stack, prepare=prepare):
            world.until(lambda: world.sent(*ids), 120)
    return _judged(ids, people, receiver, killed, monotonic() - began)


def refused(mails: int) -> int:
    """How many of so many mails are as they should be, to a strict server that refuses one recipient in seven."""
    people = world.people(mails)
    bad = set(people[3::7])

    def script(phase: str, recipient: str) -> str | None:
        return "550 5.1.1 User unknown in virtual mailbox table" if phase == "rcpt" and recipient in bad else None

    with Receiver(script) as receiver, world.engine() as engine:
        sender_id = world.add_sender(world.add_user("bob@example.com"), receiver.port, connections=4)
        campaign_id = world.add_campaign(world.sender(sender_id).user_id, sender_id, people)
        world.dispatch(engine)
        world.until(lambda: world.sent(campaign_id), 300, poke=lambda: world.dispatch(engine))
    states, received = world.by_address(campaign_id), Counter(receiver.accepted)
    right = (("failed", 0) if email in bad else ("sent", 1) for email in people)
    return sum((states[email], received[email]) == wanted for email, wanted in zip(people, right, strict=True))


class Instant:
    """A script that kills a worker when so many commands have come: before the answer, or some microseconds later."""

    def __init__(self) -> None:
        self.armed = False

    def arm(self, worker: BaseProcess, chance: random.Random, events: int) -> None:
        self._worker, self._left = worker, chance.randint(1, max(1, events))
        self._later = chance.choice((0.0, chance.uniform(0, 0.003)))
        self.armed = True

    def __call__(self, phase: str, recipient: str) -> None:
        if not self.armed:
            return
        self._left -= 1
        if self._left <= 0:
            self.armed = False
            if self._later:
                Timer(self._later, self._worker.kill).start()
            else:
                self._worker.kill()


def silent() -> None:
    logging.disable(logging.ERROR)


def _judged(ids: list[int], people: list[str], receiver: Receiver, killed: int, seconds: float) -> Outcome:
    states = {email: state for campaign_id in ids for email, state in world.by_address(campaign_id).items()}
    for campaign_id in ids:
        world.states(campaign_id)  # the counters say what the rows say
    received = set(receiver.accepted)
    doubtful = {email for email, state in states.items() if state == "unknown"}
    decided = {email for email in people if states.get(email) == "sent" and email in received} | doubtful
    return Outcome(len(people), killed, len(people) - len(decided), len(receiver.twice), len(doubtful), seconds)


@contextmanager
def _stack(name: str, folder: Path) -> Iterator[Stack]:
    env = {"DATA_DIR": str(folder / "data"), "SECRET_KEY": KEY}
    if name == "sqlite":
        yield Stack(name, env)
        return
    with servers.postgres(folder / "postgres") as database, servers.redis(folder) as redis:
        yield Stack(name, env | {"DATABASE_URL": database, "REDIS_URL": redis})


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill workers at random instants and count what that did.")
    parser.add_argument("--stack", choices=["sqlite", "postgres"], action="append")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--verbose", action="store_true", help="show the workers' logs")
    options = parser.parse_args()
    well = True
    for name in options.stack or ["sqlite", "postgres"]:
        print(f"{name}, seed {options.seed} …", flush=True)
        with tempfile.TemporaryDirectory() as folder, _stack(name, Path(folder)) as stack, using(stack.env):
            silent()
            migrate.upgrade()
            outcome = crash(stack, options.kills, options.mails, options.seed, quiet=not options.verbose)
            print(f"{name}: {outcome}", flush=True)
            right = refused(_REFUSED_MAILS)
            print(f"{name}: {right:,} of {_REFUSED_MAILS:,} right with one in seven refused", flush=True)
            db.close()
        well = well and outcome.well and right == _REFUSED_MAILS
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
