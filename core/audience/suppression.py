"""The suppression list: addresses that this user's campaigns never mail again, and why."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, literal_column, union_all
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addressed, addresses, columns
from core.audience import search as looking
from core.errors import NotFound, RuleError
from core.models import Suppression, SuppressionReason

if TYPE_CHECKING:
    from core.audience.elsewhere import Said
    from core.audience.parse import ParsedUpload  # reads spreadsheets, which a worker never does
    from core.audience.tally import Rejected

MOST_OUTCOMES = 1_000

_suppression: Any = Suppression.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Page:
    """``more``: there are older rows after the last one; pass its id as ``before_id`` to get them."""

    rows: list[Suppression]
    more: bool


@dataclass(frozen=True)
class Many:
    """What became of many addresses: ``outcomes`` (address, whether it is new on the list) has the first 1,000."""

    added_count: int
    known_count: int
    invalid_count: int
    outcomes: tuple[tuple[str, bool], ...]
    invalid: "tuple[Rejected, ...]"

    @property
    def all_count(self) -> int:
        return self.added_count + self.known_count + self.invalid_count


def suppress(
    session: Session, user_id: int, email: str, reason: str, message_id: int | None = None, detail: str = ""
) -> bool:
    """Never mail ``email`` again; returns whether that is new (the first reason stays). Raises RuleError.

    ``reason`` is a SuppressionReason, ``message_id`` the mail it answers, ``detail`` the server's own words.
    """
    row = {
        "user_id": user_id,
        "email": _address(email),
        "reason": SuppressionReason(reason).value,
        "message_id": message_id,
        "detail": detail[:2_000],
        "source": "",
        "created_at": db.now(session),
    }
    is_new = db.insert_ignore(session, _suppression, [row]) == 1
    if is_new:
        db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return is_new


def suppress_all(user_id: int, parsed: "ParsedUpload", progress: Callable[[int], None] = lambda done: None) -> Many:
    """Never mail any valid address of ``parsed`` again, for the reason and since when its row tells, else by hand.

    Opens its own short transactions, and may be run again. ``progress`` hears how many rows are done.
    """
    added = done = 0
    outcomes: dict[str, bool] = {}
    people = parsed.said()
    while chunk := list(islice(people, db.CHUNK_ROWS)):
        left = _by_address(chunk)
        with db.session() as session:
            new = _suppress_chunk(session, user_id, left, parsed.name)
        added, done = added + len(new), done + len(chunk)
        progress(done)
        for email in left if len(outcomes) < MOST_OUTCOMES else ():
            outcomes.setdefault(email, email in new)  # a duplicate is no other address
    kept = tuple(islice(outcomes.items(), MOST_OUTCOMES))
    return Many(added, parsed.valid_count - added, parsed.invalid_count, kept, parsed.invalid)


def _by_address(chunk: list[tuple[str, "Said | None"]]) -> dict[str, "Said | None"]:
    """What is said of each address, in their order: of two rows by the first that says something."""
    found: dict[str, Said | None] = {}
    for email, said in chunk:
        found[email] = found.get(email) or said
    return dict(sorted(found.items()))


def _suppress_chunk(session: Session, user_id: int, left: dict[str, "Said | None"], name: str) -> set[str]:
    """Returns which are new. ``name``: that of the file."""
    held = among(session, user_id, left)
    new = [email for email in left if email not in held]
    if new:
        now = db.now(session)
        rows = [{"user_id": user_id, "email": email, **_told(left[email], name, now)} for email in new]
        db.insert_ignore(session, _suppression, rows)
        db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return set(new)


def _told(said: "Said | None", name: str, now: datetime) -> dict[str, Any]:
    row = {"reason": SuppressionReason.manual.value, "message_id": None, "detail": "", "source": "", "created_at": now}
    if said is not None:
        since = said.at if said.at and said.at < now else now
        row |= {"reason": said.reason, "source": columns.clean(f"{name}, {said.source}"), "created_at": since}
    return row


def lift(session: Session, user_id: int, email: str) -> Suppression:
    """Allow ``email`` again; returns what was on the list. Raises NotFound where it is not on this user's list."""
    here = (_suppression.c.user_id == user_id, _suppression.c.email == email.strip().lower())
    gone = session.execute(delete(_suppression).where(*here).returning(_suppression)).mappings().first()
    if gone is None:
        raise NotFound("This address is not on the suppression list.")
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return Suppression(**gone)


def returned(session: Session, user_id: int, email: str) -> int | None:
    """Allow ``email`` (as it is kept) again where its reader unsubscribed; returns the message that they did it by.

    None where they did not: what bounced, complained or was suppressed by hand stays so.
    """
    by_reader = _suppression.c.reason == SuppressionReason.unsubscribed.value
    here = (_suppression.c.user_id == user_id, _suppression.c.email == email, by_reader)
    gone = session.execute(delete(_suppression).where(*here).returning(_suppression.c.message_id)).first()
    if gone is None:
        return None
    db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return gone.message_id or 0


def reason(session: Session, user_id: int, email: str) -> str:
    """Why (a SuppressionReason) this user's campaigns leave ``email`` out; empty where they do not."""
    here = (col(Suppression.user_id) == user_id, col(Suppression.email) == email.strip().lower())
    return session.exec(select(Suppression.reason).where(*here)).first() or ""


def put_back(session: Session, user_id: int, lifted: Suppression) -> None:
    """Suppress again what was lifted, since when and why it was; what was suppressed meanwhile stays as it is."""
    row = lifted.model_dump(exclude={"id", "user_id"}) | {"user_id": user_id}
    db.insert_ignore(session, _suppression, [row])
    db.after_commit(session, lambda: live.publish(user_id, "audience"))


def is_suppressed(session: Session, user_id: int, email: str) -> bool:
    """Whether this user's campaigns leave ``email`` out."""
    return bool(reason(session, user_id, email))


def among(session: Session, user_id: int, emails: Collection[str]) -> set[str]:
    """Those of a few thousand ``emails`` (as contacts are kept) that this user's campaigns leave out."""
    here = select(Suppression.email).where(col(Suppression.user_id) == user_id, col(Suppression.email).in_(emails))
    return set(session.exec(here).all())


def count_among(session: Session, user_id: int, emails: Iterable[str]) -> int:
    """How many different addresses of ``emails`` (as contacts are kept) this user's campaigns leave out."""
    if not count(session, user_id):
        return 0
    found: set[str] = set()
    rest = iter(emails)
    while chunk := list(islice(rest, 5_000)):
        found |= among(session, user_id, chunk)
    return len(found)


def page(
    session: Session,
    user_id: int,
    *,
    search: str = "",
    reason: str = "",
    before_id: int | None = None,
    skip: int = 0,
    limit: int = 25,
) -> Page:
    """The newest first, without the first ``skip``; of ``reason``, if any; ``search``: words that are in an address, or
    its beginning up to behind the @, or ``@`` and the beginning of a domain."""
    number = col(Suppression.id)
    wanted = select(number).where(col(Suppression.user_id) == user_id, *found(session, user_id, search))
    if before_id is not None:
        wanted = wanted.where(number < before_id)
    # One range of the index for each reason, merged by the database: all reasons at once would be sorted every time.
    parts = [wanted.where(col(Suppression.reason) == each) for each in ([reason] if reason else SuppressionReason)]
    newest = union_all(*parts).order_by(literal_column("id").desc()).limit(limit + 1).offset(skip)
    ids = session.execute(newest).scalars().all()
    rows = session.exec(select(Suppression).where(number.in_(ids)).order_by(number.desc())).all()
    return Page(list(rows[:limit]), len(rows) > limit)


def count(session: Session, user_id: int, search: str = "") -> int:
    """How many addresses of the user's list ``search`` finds."""
    return sum(counts(session, user_id, search).values())


def counts(session: Session, user_id: int, search: str = "") -> dict[str, int]:
    """The same for each reason; those without any are missing."""
    counted = select(Suppression.reason, func.count()).where(col(Suppression.user_id) == user_id)
    counted = counted.where(*found(session, user_id, search)).group_by(col(Suppression.reason))
    return dict(session.exec(counted).all())


def found(session: Session, user_id: int, search: str, reason: str = "") -> list[Any]:
    """SQL of whether ``search`` finds a suppressed address of the user, one condition for each word, and of whether it
    is there for ``reason``, if any.

    No index has the domains or what is within: all rows of the user are looked at.
    """
    email = col(Suppression.email)
    domain: Any = literal_column(db.domain_of(session, "suppression.email"))
    kept = addressed.Kept(col(Suppression.user_id), email, domain)
    looks = ((addressed.begins if word.is_address else addressed.has, word.text) for word in looking.words(search))
    because = [col(Suppression.reason) == reason] if reason else []
    return because + [look(session, user_id, word, kept) for look, word in looks]


def _address(email: str) -> str:
    """As contacts are kept; an address that no rule reads (from an old mail) is kept as it is."""
    kept = addresses.read(email).email or email.strip().lower()
    if not kept or len(kept) > 320 or "\0" in kept:
        raise RuleError("This is not an email address.")
    return kept
