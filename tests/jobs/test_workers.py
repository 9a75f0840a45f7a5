from datetime import timedelta

import pytest

from core import db
from core.delivery import workers
from core.delivery.workers import Seen
from jobs import upkeep
from tests.conftest import Stack
from tests.jobs import world
from tests.jobs.receiver import Receiver


def seen() -> list[Seen]:
    with db.reading() as session:
        return workers.seen(session)


def test_a_worker_tells_what_it_did_and_takes_its_leave(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "EVERY", 0.05)
    user_id = world.add_user()
    with Receiver() as receiver, world.engine() as engine:
        sender_id = world.add_sender(user_id, receiver.port)
        world.add_campaign(user_id, sender_id, world.people(30))
        world.dispatch(engine)
        world.until(lambda: [each.figures.results.get("sent") for each in seen()] == [30])
        [worker] = seen()
        assert worker.name == engine.owner and worker.age < 30
        assert worker.figures.groups > 0 and worker.figures.seconds > 0 and worker.figures.kept == 0
        assert worker.figures.writes >= 60  # a mark and a result each
    assert seen() == []


def test_a_worker_that_died_is_seen_for_an_hour(stack: Stack) -> None:
    with db.session() as session:
        workers.tell(session, "dead", workers.Figures())
    db.clock_offset = timedelta(minutes=59)
    upkeep.upkeep()
    [dead] = seen()
    assert 59 * 60 <= dead.age < 60 * 60
    db.clock_offset = timedelta(minutes=61)
    upkeep.upkeep()
    assert seen() == []
