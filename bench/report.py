"""What a benchmark says: a row per target with its figure, printed at once and again in a table at the end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    name: str
    value: float | None  # None: could not be measured, ``why`` says it
    target: float
    at_least: bool
    unit: str
    why: str

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "met" if (self.value >= self.target) == self.at_least or self.value == self.target else "NOT MET"

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        value = "–" if self.value is None else f"{self.value:#.3g}{self.unit}"
        return f"{self.name:<66} {value:>9}  {sign} {self.target:g}{self.unit:<3}  {self.verdict}" + (
            f"  ({self.why})" if self.why else ""
        )


rows: list[Row] = []
_notes: list[str] = []


def at_least(name: str, value: float | None, target: float, unit: str = "", why: str = "") -> None:
    """A figure that should be ``target`` or more; None with ``why`` where it could not be measured."""
    _say(Row(name, value, target, True, unit, why))


def at_most(name: str, value: float | None, target: float, unit: str = "", why: str = "") -> None:
    """A figure that should be ``target`` or less."""
    _say(Row(name, value, target, False, unit, why))


def detail(text: str) -> None:
    """What a figure was made of."""
    print(f"   {text}", flush=True)


def note(text: str) -> None:
    """Something that concerns all rows, said once now and once at the end."""
    if text not in _notes:
        _notes.append(text)
        print(f"   {text}", flush=True)


def summary() -> None:
    if rows:
        print("\n== All rows", flush=True)
        for line in [*rows, *_notes]:
            print(line, flush=True)


def _say(row: Row) -> None:
    rows.append(row)
    print(row, flush=True)
