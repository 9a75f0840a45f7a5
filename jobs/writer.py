"""The one thread of a worker process that writes to the database, so that the event loop never waits for it."""

import asyncio
import logging
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from math import inf
from time import monotonic
from typing import Any, TypeVar

from sqlmodel import Session

from core import config, db, hot
from core.delivery import usual
from core.delivery.ledger import Claimed, Outcome
from core.delivery.tally import Touched
from core.delivery.usage import Start
from jobs import journal, meter
from jobs.flush import Flushed, Group, flush, flush_usual
from jobs.told import Answers, Call, Item, Told, outcomes_in, resolve

log = logging.getLogger(__name__)
T = TypeVar("T")
_session = partial(db.session, hot=True)

_GROUP = 500  # at most so many in one transaction
_ENOUGH = 16  # so many are not kept from a writer that may be waiting for them
_USED_EVERY = 1.0  # seconds
_STUCK = 1.0  # seconds without an answer of the database, then results go to the journal


class Away(Exception):
    """The program stops while the database is away: this was not written."""


_NOTHING, _USED = Call(lambda session: None, None), Call(lambda session: None, None)


class Writer:
    """Commits in groups: whatever came in while the last commit ran. What cannot be stored is kept, here and in the
    journal, and tried again; because everything goes through here in turn, nothing new is taken meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[Touched], None]) -> None:
        self._loop = loop
        self._tell = tell
        self._telling: list[Item] = []  # since the loop was quiet
        self._told_before = 0
        self._items: queue.SimpleQueue[Sequence[Item | None]] = queue.SimpleQueue()
        self._came: deque[Item | None] = deque()  # out of the queue
        self._give_up = threading.Event()
        self._since, self._trying, self._stuck = inf, tuple[Outcome, ...](), False  # the transaction that runs
        self._aside = threading.Lock()
        self._used: deque[int] = deque()
        self._kept, self._used_at, self.meter = hot.Kept(), monotonic(), meter.Meter()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after what is waiting; with the database away for ``seconds`` more, give up."""
        self._hand_over()  # the loop has ended
        self._items.put([None])
        self._thread.join(seconds)
        self.give_up()
        self._thread.join(seconds)  # not for ever: a database that does not answer, with the results in the journal

    def give_up(self) -> None:
        """From now on try once only: what waits for a database that is away ends with Away."""
        self._give_up.set()
        self._items.put([_NOTHING])  # wakes it

    # From the event loop:

    def mark(self, message: Claimed) -> "asyncio.Future[bool]":
        """Whether the final dot may go out: committed as ``sending``."""
        future: asyncio.Future[bool] = self._loop.create_future()
        self._told().mark(message, future)
        return future

    def begin(self, start: Start) -> "asyncio.Future[bool]":
        """Whether this mail may start: its start is committed, and it is still wanted."""
        future: asyncio.Future[bool] = self._loop.create_future()
        self._told().start(start, future)
        return future

    def settle(self, outcome: Outcome) -> None:
        """Write down what became of a message."""
        self._told().group.outcomes.append(outcome)

    def used(self, sender_id: int) -> None:
        """A mail of an unlimited sender started."""
        self._used.append(sender_id)

    def write_used(self) -> None:
        """Write all starts of unlimited senders down: who takes the sender next counts them."""
        self._tell_writer(_USED)

    def call(self, work: Callable[[Session], T]) -> "asyncio.Future[T]":
        """Run ``work`` in a transaction of its own, after everything that came before. Repeated while away."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._tell_writer(Call(work, future))
        return future

    def _told(self) -> Told:
        """What of this turn of the loop goes into one group: a large one costs little more than a small one."""
        if self._telling and isinstance(last := self._telling[-1], Told):
            return last
        told = Told()
        self._tell_writer(told)
        return told

    def _tell_writer(self, item: Item) -> None:
        if not self._telling:
            self._loop.call_soon(self._quiet)
        self._telling.append(item)

    def _quiet(self) -> None:
        """Hand over, unless few came, but some in this turn of the loop: then perhaps in the next one."""
        told = sum(map(len, self._telling))
        if self._told_before < told < _ENOUGH:
            self._told_before = told
            self._loop.call_soon(self._quiet)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        telling, self._telling, self._told_before = self._telling, [], 0
        if telling:
            self._items.put(telling)

    # In the thread:

    def _run(self) -> None:
        self._journal = journal.Journal(config.settings.data_dir)
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), name="writer's watch", daemon=True)
        watch.start()
        try:
            self._replay()
            self._serve()
        finally:
            ended.set()
            watch.join()
            self._kept.close()
            self._journal.close()

    def _serve(self) -> None:
        item = self._next()
        while item is not None:
            if isinstance(item, Call):
                self._do_call(item)
                item = self._next()
            else:
                following = self._collect(item)
                self._do_group(item)
                item = self._next() if following is _NOTHING else following
        self._do_used()

    def _do_used(self) -> None:
        self._used_at = 0.0
        if self._used:
            self._do_group(Told())

    def _collect(self, told: Told) -> Item | None:
        """Add to ``told`` what waits already; returns what cannot be in it."""
        while len(told) < _GROUP:
            if not self._came:
                try:
                    self._came.extend(self._items.get_nowait())
                except queue.Empty:
                    break
            item = self._came.popleft()
            if not isinstance(item, Told):
                return item
            told.add(item)
        return _NOTHING

    def _do_call(self, call: Call) -> None:
        if call is _USED:
            return self._do_used()
        answer: Any
        try:
            answer = self._store(call.work)
        except Exception as error:  # the caller's task is the edge that logs it
            answer = error
        if call.future is not None:
            self._answer([(call.future, answer)])

    def _do_group(self, told: Told) -> None:
        group = told.group
        if self._used and monotonic() - self._used_at > _USED_EVERY:
            group.used = Counter(self._used.popleft() for _ in range(len(self._used)))
            self._used_at = monotonic()
        try:
            done = self.meter.timed(self._flush, group)
        except Away:
            self._answer(told.answers(Flushed()))
            return
        except Exception:
            log.exception("a group of %d results could not be written; one by one now", len(told))
            if len(told) > 1:
                for single in told.singles():
                    self._do_group(single)
                return
            self._answer(told.answers(Flushed()))
            self._journal.keep(group.outcomes)  # for the next start
            return
        self._answer(told.answers(done))
        if done.touched:
            self._tell(done.touched)
        self._journal.forget(group.outcomes)
        for work in done.then.values():
            self._do_call(Call(work, None))

    def _flush(self, group: Group) -> Flushed:
        if group.usual:
            entry = usual.entry(group.outcomes, group.marks)
            transaction = partial(self._kept.transaction, alone=not group.starts, temporary=usual.steps())
            try:
                return self._store(lambda opened: flush_usual(opened, group, entry), group.outcomes, transaction)
            except usual.NotAll:
                pass
            except Exception as error:
                if isinstance(error, Away):
                    raise
                log.exception("a group of results could not be written the quick way; the other way now")
        return self._store(lambda session: flush(session, group), group.outcomes)

    def _replay(self) -> None:
        """First of all: what processes that died could not store."""
        with journal.left_behind(config.settings.data_dir) as found:
            for path, outcomes in found:
                work = partial(_settle_late, outcomes=outcomes)
                try:
                    done = self._store(work)
                except Away:
                    return
                except Exception:
                    log.exception("%s could not be replayed; it stays for the next start", path.name)
                    continue
                path.unlink(missing_ok=True)
                self._tell(done.touched)
                if outcomes:
                    log.info("%d results were kept while the database was away and are written now", len(outcomes))

    def _next(self) -> Item | None:
        if not self._came:
            self._came.extend(self._items.get())
        return self._came.popleft()

    def _store(
        self,
        work: Callable[[Any], T],
        outcomes: Sequence[Outcome] = (),
        transaction: Callable[[], AbstractContextManager[Any]] = _session,
    ) -> T:
        wait = 0.05
        while True:
            self._trying, self._since = tuple(outcomes), monotonic()
            try:
                with transaction() as opened:
                    return work(opened)
            except Exception as error:
                if not db.is_away(error):
                    raise
                log.warning("the database is away, trying again: %s", type(getattr(error, "orig", error)).__name__)
            finally:
                self._since = inf
                if self._stuck:
                    with self._aside:  # what it takes out of the queue comes first
                        self._stuck = False
            self._journal.keep([*outcomes, *outcomes_in(self._came)])
            if self._given_up(wait):
                raise Away
            wait = min(wait * 2, 2.0)

    def _given_up(self, seconds: float) -> bool:
        """Wait; results that come in meanwhile are in the journal at once."""
        deadline = monotonic() + seconds
        while not self._give_up.is_set() and (left := deadline - monotonic()) > 0:
            try:
                items = self._items.get(timeout=left)
            except queue.Empty:
                break
            self._set_aside(items)
        return self._give_up.is_set()

    def _set_aside(self, items: Sequence[Item | None]) -> None:
        self._came.extend(items)
        self._journal.keep(outcomes_in(items))

    def _watch(self, ended: threading.Event) -> None:
        """In a thread of its own: a database that neither answers nor fails is away too."""
        while not ended.wait(_STUCK / 4):
            since = self._since
            if monotonic() - since < _STUCK:
                continue
            with self._aside:
                self._stuck = True
                if self._since != since:  # looked at after the flag, as the writer sets it before it looks at the flag
                    continue
                self._journal.keep([*self._trying, *outcomes_in(self._came)])
                with suppress(queue.Empty):
                    while True:
                        self._set_aside(self._items.get_nowait())

    def _answer(self, answers: Answers) -> None:
        if answers:
            with suppress(RuntimeError):  # the loop has ended: nobody waits, and the results behind are still written
                self._loop.call_soon_threadsafe(resolve, answers)


def _settle_late(session: Session, outcomes: list[Outcome]) -> Flushed:
    return flush(session, Group(outcomes=journal.with_addresses(session, outcomes)))
