"""The content of a draft as it was: kept now and then while it is typed, and before something takes its place."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import String, delete, func, insert, literal, or_
from sqlalchemy import select as select_rows
from sqlmodel import Session, col, select

from core import db
from core.errors import NotFound
from core.models import Campaign, CampaignStatus, DraftVersion

CONTENT = {"subject", "preheader", "body", "body_kind"}
MOST = 30  # of one draft; the oldest give way
APART = timedelta(minutes=2)  # while somebody types
_REASON_LENGTH = 300


def keep_now_and_then(session: Session, user_id: int, campaign_id: int, version: int) -> None:
    """Keep the draft as it is before a save at ``version`` changes it, unless that was done in the last two minutes."""
    newest = select(func.max(DraftVersion.kept_at)).join(Campaign, col(Campaign.id) == col(DraftVersion.campaign_id))
    last = session.exec(newest.where(col(Campaign.user_id) == user_id, col(Campaign.id) == campaign_id)).one()
    if last is None or last <= db.now(session) - APART:
        _keep(session, user_id, campaign_id, "", col(Campaign.version) == version)


def keep(session: Session, user_id: int, campaign_id: int, reason: str) -> None:
    """Keep the draft as it is now, before what ``reason`` says. A stranger's campaign or none: nothing is kept."""
    _keep(session, user_id, campaign_id, reason)


def keep_typed(
    session: Session,
    user_id: int,
    campaign_id: int,
    typed: Mapping[str, str],
    reason: str,
    instead_of: int | None = None,
) -> int | None:
    """Keep what was ``typed`` (all of CONTENT) and could not be saved, as another tab was first; returns its version.

    ``instead_of``: the version it takes the place of, kept for the same tab before. The other tab may have scheduled
    the draft: its history is seen again when it is unscheduled. Nothing is kept where the draft says the same, or is a
    stranger's or none.
    """
    made = _keep(session, user_id, campaign_id, reason, typed=typed, instead_of=instead_of)
    return instead_of if made is None else made


def list_all(session: Session, user_id: int, campaign_id: int) -> list[DraftVersion]:
    """The versions of a user's campaign, newest first."""
    mine = select(DraftVersion).join(Campaign, col(Campaign.id) == col(DraftVersion.campaign_id))
    mine = mine.where(col(Campaign.user_id) == user_id, col(Campaign.id) == campaign_id)
    return list(session.exec(mine.where(col(Campaign.deleted_at).is_(None)).order_by(col(DraftVersion.id).desc())))


def get(session: Session, user_id: int, campaign_id: int, version_id: int) -> DraftVersion:
    """One version. Raises NotFound, also for a stranger's."""
    for each in list_all(session, user_id, campaign_id):
        if each.id == version_id:
            return each
    raise NotFound("This version is not kept any more.")


def _keep(
    session: Session,
    user_id: int,
    campaign_id: int,
    reason: str,
    *more: object,
    typed: Mapping[str, str] | None = None,
    instead_of: int | None = None,
) -> int | None:
    """As one INSERT from the draft's own row; the same content as last time, or none at all, is not kept."""
    last = select(DraftVersion).join(Campaign, col(Campaign.id) == col(DraftVersion.campaign_id))
    last = last.where(col(Campaign.user_id) == user_id, col(Campaign.id) == campaign_id)
    newest = session.exec(last.order_by(col(DraftVersion.id).desc()).limit(1)).first()
    now = literal(db.now(session), DraftVersion.__table__.c.kept_at.type)  # type: ignore[attr-defined]
    names = sorted(CONTENT)
    kept: dict[str, Any] = {name: col(getattr(Campaign, name)) for name in names}
    saved_at: Any = col(Campaign.updated_at)
    states = [CampaignStatus.draft]
    if typed is not None:
        states.append(CampaignStatus.scheduled)
        more = (or_(*(kept[name] != typed[name] for name in names)),)
        kept, saved_at = {name: literal(typed[name], String) for name in names}, now
    draft = select_rows(col(Campaign.id), saved_at, now, literal(reason[:_REASON_LENGTH]), *kept.values()).where(
        col(Campaign.id) == campaign_id,
        col(Campaign.user_id) == user_id,
        col(Campaign.status).in_(states),
        kept["body"] + kept["subject"] != "",
        *more,  # type: ignore[arg-type]
    )
    if newest is not None:
        draft = draft.where(or_(*(kept[name] != getattr(newest, name) for name in names)))
    columns = ["campaign_id", "saved_at", "kept_at", "reason", *names]
    made = session.execute(insert(DraftVersion).from_select(columns, draft).returning(col(DraftVersion.id))).scalar()
    if made is not None:
        _forget_old(session, campaign_id, instead_of)  # the owner's: else nothing went in
    return made


def _forget_old(session: Session, campaign_id: int, replaced: int | None) -> None:
    mine = col(DraftVersion.campaign_id) == campaign_id
    if replaced is not None:
        session.execute(delete(DraftVersion).where(mine, col(DraftVersion.id) == replaced))
    young = select_rows(col(DraftVersion.id)).where(mine).order_by(col(DraftVersion.id).desc()).limit(MOST)
    session.execute(delete(DraftVersion).where(mine, col(DraftVersion.id).not_in(young.scalar_subquery())))
