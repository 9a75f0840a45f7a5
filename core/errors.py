"""The one small tree of errors: each message is the sentence the user will read."""

import signal
import sys
from typing import NoReturn, Self


class RuleError(Exception):
    """A rule of the product forbids this; ``str(error)`` says what happened and what to do."""


class NotFound(RuleError):
    """No such thing, or it belongs to somebody else: the two must look alike."""

    @classmethod
    def of(cls, thing: str) -> Self:
        return cls(f"There is no such {thing}.")


class StartError(RuleError):
    """The settings do not allow the program to start; the sentence says what to change."""


def why(error: Exception) -> str:
    """What a server, or its driver, said: the first line, without the statement that SQLAlchemy adds."""
    return str(getattr(error, "orig", error)).strip().partition("\n")[0].rstrip(".")


def interrupted() -> NoReturn:
    """End the program as Ctrl-C asks where nothing else handles it: with a word, not a traceback."""
    print("Stopped.", file=sys.stderr)
    raise SystemExit(128 + signal.SIGINT)


def end(error: RuleError) -> NoReturn:
    """End the program with the sentence and the code for wrong usage."""
    print(error, file=sys.stderr)
    raise SystemExit(2)
