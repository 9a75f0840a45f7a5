"""A campaign in whose middle something happens to the database."""

from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import pytest
from sqlmodel import col, select

from core import db
from core.models import Message
from tests.conftest import Stack
from tests.jobs import processes, world
from tests.jobs.receiver import Receiver
from tests.jobs.world import sent

PEOPLE = world.people(40)
EVENT = 20  # the mail at whose dot it happens
both = pytest.mark.parametrize("survives", [True, False], ids=["the worker lives on", "the worker is killed"])


class At:
    """A script: when the mail number EVENT has had its dot, before it is answered, ``work`` is done."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work, self.count, self.ids = work, 0, set[int]()

    def __call__(self, phase: str, recipient: str) -> None:
        if phase == "dot":
            self.count += 1
            if self.count == EVENT:
                with db.reading() as session:
                    self.ids = {session.exec(select(Message.id).where(col(Message.email) == recipient)).one() or 0}
                self.work()


def sending(receiver: Receiver, **values: Any) -> int:
    """A campaign to PEOPLE by a sender with one connection; returns its id."""
    user_id = world.add_user()
    sender_id = world.add_sender(user_id, receiver.port, **{"connections": 1, **values})
    return world.add_campaign(user_id, sender_id, PEOPLE)


def until_done(campaign_id: int) -> None:
    world.until(lambda: sent(campaign_id), 30)
    world.until(lambda: world.sender(world.campaign(campaign_id).sender_id or 0).owner == "")


def goes_on(stack: Stack, worker: BaseProcess, survives: bool, back: Callable[[], object], campaign_id: int) -> None:
    """The database comes ``back``; the worker lives on, or was killed before that and another one starts."""
    if not survives:
        worker.kill()
        worker.join(10)
    back()
    if survives:
        until_done(campaign_id)
        return
    processes.lapse()
    with processes.worker(stack):
        until_done(campaign_id)
