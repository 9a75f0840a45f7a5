"""Which rows with an address a search finds: contacts, or suppressions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session

from core.audience import addresses
from core.audience import search as looking

_MOST_DOMAINS = 2_000


@dataclass(frozen=True)
class Kept:
    """The columns of a row: whose it is, the address, and its domain."""

    user_id: Any
    email: Any
    domain: Any


def begins(session: Session, user_id: int, word: str, kept: Kept) -> ColumnElement[bool]:
    """SQL of whether an address begins with ``word``, which has an @; with nothing before it, whether its domain does.

    By an index where there is one, but for the last of letters beyond ASCII.
    """
    term, letters = looking.term(word), looking.letters(word)
    if not looking.is_open(word):
        return looking.begins(kept.domain, term[1:]) if term.startswith("@") else looking.begins(kept.email, term)
    domains, before = _international(session, user_id, letters, kept, str.startswith), term.rpartition("@")[0]
    emails = [f"{before}@{domain}" for domain in domains]
    found: ColumnElement[bool] = kept.email.in_(emails) if before else kept.domain.in_(domains)
    return found


def has(session: Session, user_id: int, word: str, kept: Kept) -> ColumnElement[bool]:
    """SQL of whether ``word``, which has no @, is anywhere in an address, as it is kept or with its letters."""
    in_address: ColumnElement[bool] = kept.email.contains(word, autoescape=True)
    if not word.isascii() and (domains := _international(session, user_id, word, kept, str.__contains__)):
        return or_(in_address, kept.domain.in_(domains))
    return in_address


def _international(
    session: Session, user_id: int, letters: str, kept: Kept, fits: Callable[[str, str], bool]
) -> list[str]:
    """The user's domains, as they are kept, that ``letters`` fit; of the first 2,000 that can."""
    can = looking.begins(kept.domain, looking.kept_start(letters))
    wanted = select(kept.domain).where(kept.user_id == user_id, can).distinct().limit(_MOST_DOMAINS)
    domains = session.execute(wanted).scalars()
    return [each for each in domains if fits(addresses.shown_domain(each), letters)]
