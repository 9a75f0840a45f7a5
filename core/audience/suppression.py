"""The suppression list: addresses that this user's campaigns never mail again, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from core import db, live
from core.audience import addresses
from core.errors import NotFound, RuleError
from core.models import Suppression, SuppressionReason


@dataclass(frozen=True)
class Page:
    """``more``: there are older rows after the last one; pass its id as ``before_id`` to get them."""

    rows: list[Suppression]
    more: bool


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
        "created_at": db.now(session),
    }
    is_new = db.insert_ignore(session, Suppression.__table__, [row]) == 1  # type: ignore[attr-defined]
    if is_new:
        db.after_commit(session, lambda: live.publish(user_id, "audience"))
    return is_new


def lift(session: Session, user_id: int, email: str) -> None:
    """Allow ``email`` again. Raises NotFound where it is not on this user's list."""
    here = (col(Suppression.user_id) == user_id, col(Suppression.email) == email.strip().lower())
    if not session.execute(delete(Suppression).where(*here)).rowcount:  # type: ignore[attr-defined]
        raise NotFound("This address is not on the suppression list.")
    db.after_commit(session, lambda: live.publish(user_id, "audience"))


def is_suppressed(session: Session, user_id: int, email: str) -> bool:
    """Whether this user's campaigns leave ``email`` out."""
    here = (col(Suppression.user_id) == user_id, col(Suppression.email) == email.strip().lower())
    return session.exec(select(Suppression.id).where(*here)).first() is not None


def count_among(session: Session, user_id: int, emails: Iterable[str]) -> int:
    """How many different addresses of ``emails`` (as contacts are kept) this user's campaigns leave out."""
    if not count(session, user_id):
        return 0
    found: set[str] = set()
    rest = iter(emails)
    while chunk := list(islice(rest, 5_000)):
        here = select(Suppression.email).where(col(Suppression.user_id) == user_id)
        found.update(session.exec(here.where(col(Suppression.email).in_(chunk))).all())
    return len(found)


def page(session: Session, user_id: int, *, search: str = "", before_id: int | None = None, limit: int = 25) -> Page:
    """The newest first; ``search`` is the beginning of an address."""
    found = select(Suppression).where(col(Suppression.user_id) == user_id)
    if term := search.strip().lower():
        found = found.where(col(Suppression.email) >= term, col(Suppression.email) < term + "\U0010ffff")
    if before_id is not None:
        found = found.where(col(Suppression.id) < before_id)
    rows = list(session.exec(found.order_by(col(Suppression.id).desc()).limit(limit + 1)).all())
    return Page(rows[:limit], len(rows) > limit)


def count(session: Session, user_id: int) -> int:
    """How many addresses the user's list has."""
    return session.exec(select(func.count()).select_from(Suppression).where(col(Suppression.user_id) == user_id)).one()


def _address(email: str) -> str:
    """As contacts are kept; an address that no rule reads (from an old mail) is kept as it is."""
    kept = addresses.read(email).email or email.strip().lower()
    if not kept or len(kept) > 320 or "\0" in kept:
        raise RuleError("This is not an email address.")
    return kept
