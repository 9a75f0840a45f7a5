"""Which campaigns the totals of a user add up: opens of simulated readers are never added to those of people."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, case, func, select
from sqlmodel import Session

from core.models import Campaign, Sender

_campaign: Any = Campaign.__table__  # type: ignore[attr-defined]
_sender: Any = Sender.__table__  # type: ignore[attr-defined]


class Counted(StrEnum):
    """``everything``: nothing went to the sandbox. ``real``: what went to the sandbox is left out. ``sandbox``: nothing
    went anywhere else, so that a newcomer sees the totals move."""

    everything = "everything"
    real = "real"
    sandbox = "sandbox"


def counted(session: Session, user_id: int) -> Counted:
    """What the totals of this user are of, by the campaigns that have recipients."""
    to_sandbox = _to_sandbox(user_id)
    sums = [func.coalesce(func.sum(case((which, 1), else_=0)), 0) for which in (to_sandbox, ~to_sandbox)]
    mine = (_campaign.c.user_id == user_id, _campaign.c.deleted_at.is_(None), _campaign.c.recipients_count > 0)
    sandbox, real = session.execute(select(*sums).where(*mine)).one()
    if not sandbox:
        return Counted.everything
    return Counted.real if real else Counted.sandbox


def within(which: Counted, user_id: int) -> list[ColumnElement[bool]]:
    """The conditions that choose those campaigns."""
    if which == Counted.everything:
        return []
    to_sandbox = _to_sandbox(user_id)
    return [~to_sandbox if which == Counted.real else to_sandbox]


def _to_sandbox(user_id: int) -> ColumnElement[bool]:
    boxes = select(_sender.c.id).where(_sender.c.user_id == user_id, _sender.c.is_sandbox)
    return func.coalesce(_campaign.c.sender_id, 0).in_(boxes)  # a draft may have none: NULL is in nothing and not in it
