"""What was read of an upload, before anything of it is stored."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

from core import db
from core.audience import contacts, known, suppression
from core.audience.known import Known
from core.audience.parse import ParsedUpload

Parse = Callable[[Callable[[int], None]], ParsedUpload]


@dataclass(frozen=True)
class Part:
    """Some people, how many of them are on the suppression list, and who is a contact already."""

    parsed: ParsedUpload
    suppressed_count: int
    known: Known


@dataclass(frozen=True)
class Read:
    """Everybody; who left elsewhere (None: nobody did) and the others; the lists (id, name, contacts) there are."""

    whole: Part
    stayed: Part
    gone: Part | None
    lists: list[tuple[int, str, int]]

    def parts(self, suppress_left: bool) -> tuple[Part, Part | None]:
        """Who is added and who is suppressed."""
        return (self.stayed, self.gone) if suppress_left else (self.whole, None)


def read(user_id: int, parse_it: Parse, told: Callable[[str], None]) -> Read:
    """``told`` hears how far it is."""
    parsed = parse_it(lambda count: told(f"{count:,} rows"))
    with db.reading() as session:
        lists = [(each.id or 0, each.name, each.contact_count) for each in contacts.lists(session, user_id)]
        if not parsed.left.count:
            everybody = _part(session, user_id, parsed, told)
            return Read(everybody, everybody, None, lists)
        stayed, gone = (_part(session, user_id, parsed.part(has_left), told) for has_left in (False, True))
    suppressed_count = stayed.suppressed_count + gone.suppressed_count
    return Read(Part(parsed, suppressed_count, stayed.known + gone.known), stayed, gone, lists)


def _part(session: Session, user_id: int, parsed: ParsedUpload, told: Callable[[str], None]) -> Part:
    suppressed_count = suppression.count_among(session, user_id, (email for email, _ in parsed.people()))
    return Part(
        parsed,
        suppressed_count,
        known.among(session, user_id, parsed, lambda count: told(f"{count:,} compared")),
    )
