"""Drafts: make, read, edit in several tabs, copy, delete."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import chain, count
from typing import Any

from sqlalchemy import ColumnElement, case, func, insert, literal, or_, update
from sqlalchemy import delete as delete_rows
from sqlalchemy import select as select_rows
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from core import clock, db, live
from core.campaigns import versions
from core.campaigns.title import title
from core.content import languages
from core.delivery import warmup, windows
from core.errors import NotFound, RuleError
from core.models import (
    UNDO_FOR,
    BodyKind,
    Campaign,
    CampaignAttachment,
    CampaignList,
    CampaignStatus,
    ContactList,
    Sender,
    User,
)

_EDITABLE = {"name", "subject", "preheader", "sender_id", "body", "body_kind", "scheduled_at", "time_zone"}
_EDITABLE |= {"language", "sending_window", "warmup"}
_CARRIED = ("name", "kind", "size", "digest", "data")  # of an attachment
NAME_LENGTH = 200
_LEFT = timedelta(minutes=1)


class NotADraft(RuleError):
    """It is scheduled or further on: its content stays as it is."""


class EditedElsewhere(RuleError):
    """Another tab saved this draft first; ``version`` is the one kept. Nothing of either was lost."""

    def __init__(self, version: int) -> None:
        super().__init__("This draft was changed in another tab. Choose which version to keep.")
        self.version = version


def create(session: Session, user_id: int) -> Campaign:
    """A new draft with the user's default sender (the sandbox only where there is no other) and time zone."""
    return _add(session, Campaign(user_id=user_id, **_fresh(session, user_id)))


def begin(session: Session, user_id: int, in_use: Collection[int] = ()) -> int:
    """The number of a draft to write: one that was left untouched, made as new, else a new one.

    ``in_use``: drafts that are open somewhere; one of the last minute may be about to be.
    """
    left = (~touched(), col(Campaign.created_at) < db.now(session) - _LEFT)
    free = select(Campaign.id).where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None), *left)
    free = free.where(col(Campaign.id).not_in(in_use)).order_by(col(Campaign.id).desc()).limit(1)
    if (found := session.exec(free).first()) is not None:
        again = update(Campaign).where(*owned(user_id, found), *left).values(**_fresh(session, user_id))
        if session.execute(again).rowcount:  # type: ignore[attr-defined]
            return found
    return create(session, user_id).id or 0


def touched() -> ColumnElement[bool]:
    """Whether a campaign is more than a draft as it was made: what is not is in no list of campaigns."""
    written = [col(Campaign.name) != "", col(Campaign.subject) != "", col(Campaign.body) != ""]
    changed = col(Campaign.updated_at) != col(Campaign.created_at)
    return or_(col(Campaign.status) != CampaignStatus.draft, col(Campaign.version) > 1, changed, *written)


def _fresh(session: Session, user_id: int) -> dict[str, Any]:
    """What a new draft begins with; it speaks as the last one does."""
    sender_id = session.exec(
        select(Sender.id)
        .where(col(Sender.user_id) == user_id, col(Sender.deleted_at).is_(None))
        .order_by(col(Sender.is_default).desc(), col(Sender.is_sandbox), col(Sender.id))
        .limit(1)
    ).first()
    last = select(Campaign.language).where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    spoken = session.exec(last.order_by(col(Campaign.id).desc()).limit(1)).first() or languages.ENGLISH
    now, zone = db.now(session), session.get_one(User, user_id).time_zone
    dates = {"created_at": now, "updated_at": now}
    return {"sender_id": sender_id, "language": spoken, "time_zone": zone, **dates}


def get(session: Session, user_id: int, campaign_id: int) -> Campaign:
    """Raises NotFound for a stranger's campaign, a deleted one, or none."""
    wanted = select(Campaign).where(*owned(user_id, campaign_id)).execution_options(populate_existing=True)
    campaign = session.exec(wanted).first()
    if campaign is None:
        raise NotFound.of("campaign")
    return campaign


def list_all(session: Session, user_id: int, limit: int = 1000) -> list[Campaign]:
    """The user's campaigns, newest first, without their bodies."""
    found = select(Campaign).where(col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None), touched())
    newest = found.order_by(col(Campaign.id).desc()).limit(limit).options(defer(col(Campaign.body)))  # type: ignore[arg-type]
    return list(session.exec(newest))


def save_draft(session: Session, user_id: int, campaign_id: int, version: int, **changes: Any) -> int:
    """Change a draft that is still at ``version``; returns its new version.

    ``changes``: name, subject, preheader, sender_id, body, body_kind, language, scheduled_at (the time planned),
    time_zone, sending_window, warmup (as ``from_json`` of their modules reads them; None for none).
    Raises EditedElsewhere when another tab saved first, NotADraft, NotFound (also for a stranger's sender), RuleError.
    """
    _check_changes(session, user_id, changes)
    if versions.CONTENT & changes.keys():
        versions.keep_now_and_then(session, user_id, campaign_id, version)
    saved = session.execute(
        update(Campaign)
        .where(
            *owned(user_id, campaign_id),
            col(Campaign.status) == CampaignStatus.draft,
            col(Campaign.version) == version,
        )
        .values(**changes, version=version + 1, updated_at=db.now(session))
    )
    if not saved.rowcount:  # type: ignore[attr-defined]
        campaign = _draft(session, user_id, campaign_id)
        raise EditedElsewhere(campaign.version)
    hint(session, user_id, campaign_id)
    return version + 1


def list_ids(session: Session, user_id: int, campaign_id: int) -> list[int]:
    """The lists chosen as audience."""
    return _lists(session, user_id, campaign_id, is_left_out=False)


def left_out_ids(session: Session, user_id: int, campaign_id: int) -> list[int]:
    """The lists whose people get nothing, also where they are on a chosen one."""
    return _lists(session, user_id, campaign_id, is_left_out=True)


def _lists(session: Session, user_id: int, campaign_id: int, is_left_out: bool) -> list[int]:
    get(session, user_id, campaign_id)
    chosen = select(CampaignList.list_id).where(
        col(CampaignList.campaign_id) == campaign_id, col(CampaignList.is_left_out).is_(is_left_out)
    )
    return list(session.exec(chosen.order_by(col(CampaignList.list_id))))


def set_lists(
    session: Session, user_id: int, campaign_id: int, ids: Sequence[int], left_out: Sequence[int] = ()
) -> None:
    """Make exactly these lists of the user the audience of a draft, without the people of those ``left_out``.

    A list that is in both is left out. Raises NotFound, NotADraft.
    """
    touched = session.execute(
        update(Campaign)
        .where(*owned(user_id, campaign_id), col(Campaign.status) == CampaignStatus.draft)
        .values(updated_at=db.now(session))
    )
    if not touched.rowcount:  # type: ignore[attr-defined]
        _draft(session, user_id, campaign_id)
    mine = select(func.count()).where(col(ContactList.user_id) == user_id, col(ContactList.id).in_([*ids, *left_out]))
    if session.exec(mine).one() != len({*ids, *left_out}):
        raise NotFound.of("list")
    session.execute(delete_rows(CampaignList).where(col(CampaignList.campaign_id) == campaign_id))
    rows = [
        {"campaign_id": campaign_id, "list_id": number, "is_left_out": number in left_out}
        for number in sorted({*ids, *left_out})
    ]
    if rows:
        session.execute(insert(CampaignList), rows)
    hint(session, user_id, campaign_id)


def duplicate(session: Session, user_id: int, campaign_id: int) -> Campaign:
    """A draft "Copy of …" with the same content, attachments, sender and lists; no time, no numbers. Raises NotFound.

    A name that another campaign of the user has gets a number: "Copy of News (2)".
    """
    old = get(session, user_id, campaign_id)
    now = db.now(session)
    copy = Campaign(
        user_id=user_id,
        name=_free_name(session, user_id, f"Copy of {title(old.name, old.subject, 'a campaign')}"),
        subject=old.subject,
        preheader=old.preheader,
        sender_id=old.sender_id,
        body=old.body,
        body_kind=old.body_kind,
        language=old.language,
        time_zone=old.time_zone,
        sending_window=old.sending_window,
        created_at=now,
        updated_at=now,
    )
    _add(session, copy)
    kept = (col(CampaignList.list_id), col(CampaignList.is_left_out))
    lists = select_rows(literal(copy.id), *kept).where(col(CampaignList.campaign_id) == campaign_id)
    session.execute(insert(CampaignList).from_select(["campaign_id", "list_id", "is_left_out"], lists))
    carried = [getattr(CampaignAttachment, name) for name in _CARRIED]
    files = select_rows(literal(copy.id), *carried).where(col(CampaignAttachment.campaign_id) == campaign_id)
    ordered = files.order_by(col(CampaignAttachment.id))
    session.execute(insert(CampaignAttachment).from_select(["campaign_id", *_CARRIED], ordered))
    return copy


def _free_name(session: Session, user_id: int, name: str) -> str:
    alike = col(Campaign.name).startswith(name[: NAME_LENGTH - 12], autoescape=True)
    mine = (col(Campaign.user_id) == user_id, col(Campaign.deleted_at).is_(None))
    taken = set(session.exec(select(Campaign.name).where(*mine, alike)))
    names = chain([name[:NAME_LENGTH]], (f"{name[: NAME_LENGTH - 12]} ({number})" for number in count(2)))
    return next(each for each in names if each not in taken)


def delete(session: Session, user_id: int, campaign_id: int) -> None:
    """Hide a campaign that is not sending (upkeep purges it later). Raises NotFound, RuleError while it sends."""
    hidden = session.execute(
        update(Campaign)
        .where(*owned(user_id, campaign_id), col(Campaign.status) != CampaignStatus.sending)
        .values(deleted_at=db.now(session))
    )
    if not hidden.rowcount:  # type: ignore[attr-defined]
        get(session, user_id, campaign_id)
        raise RuleError("This campaign is sending. Pause or cancel it first, then delete it.")
    hint(session, user_id, campaign_id)


def restore(session: Session, user_id: int, campaign_id: int) -> CampaignStatus:
    """Take a deletion back that is younger than ``UNDO_FOR``. Raises NotFound where there is none.

    What was scheduled is a draft again, its time a suggestion: its lists or its sender may be gone by now, and its
    time over. Returns what it is.
    """
    scheduled = col(Campaign.status) == CampaignStatus.scheduled
    status = session.execute(
        update(Campaign)
        .where(
            col(Campaign.id) == campaign_id,
            col(Campaign.user_id) == user_id,
            col(Campaign.deleted_at) >= db.now(session) - UNDO_FOR,
        )
        .values(deleted_at=None, status=case((scheduled, CampaignStatus.draft), else_=col(Campaign.status)))
        .returning(col(Campaign.status)),
        execution_options={"synchronize_session": False},
    ).scalar()
    if status is None:
        raise NotFound("This campaign can no longer be brought back.")
    hint(session, user_id, campaign_id)
    return CampaignStatus(status)


def owned(user_id: int, campaign_id: int) -> list[ColumnElement[bool]]:
    """The conditions of every query for one campaign of one user. Raises NotFound for a number no row can have."""
    if not 0 < campaign_id < 1 << 63:
        raise NotFound.of("campaign")
    return [
        col(Campaign.id) == campaign_id,
        col(Campaign.user_id) == user_id,
        col(Campaign.deleted_at).is_(None),
    ]


def hint(session: Session, user_id: int, campaign_id: int) -> None:
    """After the commit: tell the user's pages that this campaign changed."""
    db.after_commit(session, lambda: live.publish(user_id, "campaign", campaign_id))


def _add(session: Session, campaign: Campaign) -> Campaign:
    session.add(campaign)
    session.flush()
    assert campaign.id is not None
    hint(session, campaign.user_id, campaign.id)
    return campaign


def _draft(session: Session, user_id: int, campaign_id: int) -> Campaign:
    campaign = get(session, user_id, campaign_id)
    if campaign.status != CampaignStatus.draft:
        raise NotADraft(f"This campaign is {campaign.status} and can no longer be edited. Duplicate it to change it.")
    return campaign


def _check_changes(session: Session, user_id: int, changes: dict[str, Any]) -> None:
    if unknown := changes.keys() - _EDITABLE:
        raise TypeError(f"not editable: {', '.join(sorted(unknown))}")
    if len(changes.get("name", "")) > NAME_LENGTH:
        raise RuleError(f"The name may have at most {NAME_LENGTH} characters.")
    if changes.get("body_kind", BodyKind.rich) not in set(BodyKind):
        raise RuleError("The body is rich text, Markdown or HTML.")
    if changes.get("language", languages.ENGLISH) not in languages.ALL:
        raise RuleError("Choose one of the languages.")
    windows.from_json(changes.get("sending_window"))
    warmup.from_json(changes.get("warmup"))
    if (zone := changes.get("time_zone")) is not None:
        clock.check_zone(zone)
    if (sender_id := changes.get("sender_id")) is not None:
        own = select(Sender.id).where(col(Sender.id) == sender_id, col(Sender.user_id) == user_id)
        if session.exec(own.where(col(Sender.deleted_at).is_(None))).first() is None:
            raise NotFound.of("sender")
