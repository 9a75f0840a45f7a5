"""Campaigns by what they are called on screen: of those without a name that is made of their subject, in no column."""

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session

from core.campaigns.title import title
from core.models import Campaign

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]


def called(session: Session, user_id: int, words: str) -> ColumnElement[bool]:
    """Whether a campaign of the user has ``words`` in its name, its subject or what it is called, in any case."""
    name, subject = _campaign.c.name, _campaign.c.subject
    made = or_(func.trim(subject) == "", subject.contains("{{"))  # else it is called as it is written
    nameless = select(_campaign.c.id, subject).where(_campaign.c.user_id == user_id, func.trim(name) == "", made)
    rows = session.execute(nameless)
    ids = [id for id, written in rows if words.casefold() in title("", written).casefold()]
    return or_(*(column.icontains(words, autoescape=True) for column in (name, subject)), _campaign.c.id.in_(ids))


def by_title(session: Session, conditions: list[ColumnElement[bool]]) -> list[int]:
    """The ids of the campaigns that meet ``conditions``, by what they are called; of those alike the newest first."""
    columns = (_campaign.c.id, _campaign.c.name, _campaign.c.subject)
    rows = session.execute(select(*columns).where(*conditions))
    return [-id for _, id in sorted((title(name, subject).lower(), -id) for id, name, subject in rows)]
