"""The task ``send``: wake the engine for one sender."""

from jobs.engine import Engine


def send(engine: Engine, sender_id: int) -> None:
    """A hint: this sender has mail that is due."""
    engine.wake(sender_id)
