"""The files that a campaign's mails carry: added and removed while it is a draft, the same in every mail then."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from core import db
from core.campaigns.drafts import NotADraft, get, hint, owned
from core.content import attached
from core.content.attached import Attachment
from core.content.gate import BadMail
from core.errors import NotFound, RuleError
from core.models import Campaign, CampaignAttachment, CampaignStatus


def add(session: Session, user_id: int, campaign_id: int, name: str, data: bytes) -> int:
    """Attach a file to a draft of the user; returns its number. The same file under the same name is there once.

    Raises RuleError where it is too large, of a kind that mail servers refuse, or one too many; NotADraft, NotFound.
    """
    made = attached.described(name, data)
    _touch(session, user_id, campaign_id)  # from here on one at a time
    held = _of(session, campaign_id)
    for number, each in held:
        if each == made:
            return number
    if sum(each.size for _, each in held) + made.size > attached.MOST_BYTES:
        raise RuleError(f"{made.name} was not attached. {attached.TOO_LARGE}")
    if len(held) >= attached.MOST:
        raise RuleError(f"A mail carries at most {attached.MOST} files, so {made.name} was not attached.")
    row = CampaignAttachment(campaign_id=campaign_id, **asdict(made), data=data)
    session.add(row)
    session.flush()
    hint(session, user_id, campaign_id)
    return row.id or 0


def remove(session: Session, user_id: int, campaign_id: int, attachment_id: int) -> None:
    """Take a file out of a draft. Raises NotFound, NotADraft."""
    _touch(session, user_id, campaign_id)
    gone = delete(CampaignAttachment).where(*_one(campaign_id, attachment_id))
    if not session.execute(gone).rowcount:  # type: ignore[attr-defined]
        raise NotFound.of("attachment")
    hint(session, user_id, campaign_id)


def listed(session: Session, user_id: int, campaign_id: int) -> list[tuple[int, Attachment]]:
    """The files of a campaign of the user, each with its number. Raises NotFound."""
    get(session, user_id, campaign_id)
    return _of(session, campaign_id)


def file(session: Session, user_id: int, campaign_id: int, attachment_id: int) -> tuple[Attachment, bytes]:
    """One of them with its data. Raises NotFound."""
    get(session, user_id, campaign_id)
    row = session.exec(select(CampaignAttachment).where(*_one(campaign_id, attachment_id))).first()
    if row is None:
        raise NotFound.of("attachment")
    return Attachment(row.name, row.kind, row.size, row.digest), row.data


def of(session: Session, campaign_id: int) -> tuple[Attachment, ...]:
    """The files of a campaign, as its mail says them."""
    return tuple(attachment for _, attachment in _of(session, campaign_id))


def data(session: Session, campaign_id: int, wanted: tuple[Attachment, ...]) -> list[bytes]:
    """The data of ``wanted``, files of this campaign. Raises BadMail where it has others by now."""
    if not wanted:
        return []
    if of(session, campaign_id) != wanted:
        raise BadMail("The attachments of this campaign were changed meanwhile.")
    rows = select(CampaignAttachment.data).where(col(CampaignAttachment.campaign_id) == campaign_id)
    return list(session.exec(rows.order_by(col(CampaignAttachment.id))))


def _of(session: Session, campaign_id: int) -> list[tuple[int, Attachment]]:
    table = CampaignAttachment
    columns = select(table.id, table.name, table.kind, table.size, table.digest)  # type: ignore[call-overload]
    rows = session.exec(columns.where(col(table.campaign_id) == campaign_id).order_by(col(table.id)))
    return [(number or 0, Attachment(*said)) for number, *said in rows]


def _one(campaign_id: int, attachment_id: int) -> list[Any]:
    if not 0 < attachment_id < 1 << 31:
        raise NotFound.of("attachment")
    return [col(CampaignAttachment.campaign_id) == campaign_id, col(CampaignAttachment.id) == attachment_id]


def _touch(session: Session, user_id: int, campaign_id: int) -> None:
    draft = (*owned(user_id, campaign_id), col(Campaign.status) == CampaignStatus.draft)
    touched = session.execute(update(Campaign).where(*draft).values(updated_at=db.now(session)))
    if not touched.rowcount:  # type: ignore[attr-defined]
        status = get(session, user_id, campaign_id).status
        raise NotADraft(f"This campaign is {status}, and its attachments stay as they are.")
