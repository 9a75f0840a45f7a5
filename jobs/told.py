"""What the event loop tells the writer's thread."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from core.delivery.ledger import Claimed, Outcome
from core.delivery.usage import Start
from jobs.flush import Flushed, Group

Answers = list[tuple["asyncio.Future[Any]", Any]]


@dataclass(slots=True, eq=False)
class Told:
    """What may be committed together. ``marking`` and ``starting``: who waits for the answers to the group's marks and
    starts, in the same order."""

    group: Group = field(default_factory=Group)
    marking: "list[asyncio.Future[bool]]" = field(default_factory=list)
    starting: "list[asyncio.Future[bool]]" = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.group.marks) + len(self.group.starts) + len(self.group.outcomes)

    def mark(self, message: Claimed, future: "asyncio.Future[bool]") -> None:
        self.group.marks.append(message)
        self.marking.append(future)

    def start(self, start: Start, future: "asyncio.Future[bool]") -> None:
        self.group.starts.append(start)
        self.starting.append(future)

    def add(self, later: "Told") -> None:
        """What came later as well."""
        self.group.marks += later.group.marks
        self.group.starts += later.group.starts
        self.group.outcomes += later.group.outcomes
        self.marking += later.marking
        self.starting += later.starting

    def singles(self) -> Iterator["Told"]:
        """Each by itself, results first, as they are stored."""
        if self.group.used:
            yield Told(Group(used=self.group.used))
        for outcome in self.group.outcomes:
            yield Told(Group(outcomes=[outcome]))
        for start, future in zip(self.group.starts, self.starting, strict=True):
            yield Told(Group(starts=[start]), starting=[future])
        for message, future in zip(self.group.marks, self.marking, strict=True):
            yield Told(Group(marks=[message]), [future])

    def answers(self, done: Flushed) -> Answers:
        """Who hears what, once ``done`` came of it."""
        marked, begun = done.marked, done.begun
        answers: Answers = [
            (future, message.id in marked) for message, future in zip(self.group.marks, self.marking, strict=True)
        ]
        answers += [
            (future, start.message.id in begun) for start, future in zip(self.group.starts, self.starting, strict=True)
        ]
        return answers


@dataclass(slots=True, eq=False)
class Call:
    """Work in a transaction of its own, and who waits for what it returns."""

    work: Callable[[Session], Any]
    future: "asyncio.Future[Any] | None"

    def __len__(self) -> int:
        return 1


Item = Told | Call


def outcomes_in(items: Iterable[Item | None]) -> list[Outcome]:
    """The results among ``items``."""
    return [outcome for item in items if isinstance(item, Told) for outcome in item.group.outcomes]


def resolve(answers: Answers) -> None:
    """Give each future its value or error; on the event loop."""
    for future, value in answers:
        if future.done():
            continue
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)
