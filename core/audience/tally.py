"""What a scan of an upload counts and keeps to be shown, row by row."""

from dataclasses import dataclass, field
from typing import NamedTuple

from core.audience import addresses, elsewhere
from core.audience.elsewhere import Left, Said

MAX_REJECTED = 1_000  # kept to be shown; all are counted
_SAMPLE_ROWS = 20
_MAX_SAID = 50
_DOUBLED = "stands above too: one contact; where both rows have a value, that of this row is taken"


@dataclass(frozen=True)
class Rejected:
    """A row that is no recipient of its own: its 1-based line, what stood there, and why."""

    line: int
    value: str
    reason: str


class Person(NamedTuple):
    """A valid row. ``left``: what it tells of their leaving; ``is_one_of``: its cell has more addresses."""

    email: str
    fields: dict[str, str]
    left: Said | None
    is_one_of: bool


@dataclass
class Tally:
    """Addresses are kept by their hashes: a million of them would take 130 MB."""

    valid: int = 0
    duplicates: int = 0
    rejected: int = 0
    one_of: int = 0
    invalid: list[Rejected] = field(default_factory=list)
    doubled: list[Rejected] = field(default_factory=list)
    sample: dict[str, dict[str, str]] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)  # the merge fields that have a value somewhere
    mixed: set[int] = field(default_factory=set)  # who left by one of their rows only
    _seen: dict[int, bool] = field(default_factory=dict)  # whether the first row tells that they left
    _said: dict[Said, None] = field(default_factory=dict)
    _sampled: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def take(self, line: int, row: Person | Rejected) -> None:
        """The next row."""
        if isinstance(row, Rejected):
            self.rejected += 1
            if len(self.invalid) < MAX_REJECTED:
                self.invalid.append(row)
            return
        self.one_of += row.is_one_of
        self.filled.update(row.fields)
        if row.left is not None and len(self._said) < _MAX_SAID:
            self._said[row.left._replace(at=None)] = None
        if hash(row.email) in self._seen:
            self._take_double(line, row)
        else:
            self._take_first(row)

    def left(self) -> Left:
        """Who left, of all rows taken."""
        by_another_row = sum(not self._seen[mark] for mark in self.mixed)
        return elsewhere.summed(sum(self._seen.values()) + by_another_row, list(self._said))

    def sample_left(self) -> frozenset[str]:
        """Who of the sample left."""
        marks = {email: hash(email) for email in self.sample}
        return frozenset(email for email, mark in marks.items() if self._seen[mark] or mark in self.mixed)

    def _take_first(self, person: Person) -> None:
        has_left = person.left is not None
        self._seen[hash(person.email)] = has_left
        self.valid += 1
        if self._sampled[has_left] < _SAMPLE_ROWS:
            self._sampled[has_left] += 1
            self.sample[person.email] = person.fields

    def _take_double(self, line: int, person: Person) -> None:
        mark = hash(person.email)
        self.duplicates += 1
        if self._seen[mark] != (person.left is not None):
            self.mixed.add(mark)
        if len(self.doubled) < MAX_REJECTED:
            self.doubled.append(Rejected(line, addresses.shown(person.email), _DOUBLED))
        if person.email in self.sample:
            self.sample[person.email].update(person.fields)  # as they are stored: the later values win
