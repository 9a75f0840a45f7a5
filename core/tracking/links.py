"""Where a click leads: only to an address that the campaign's own mail has, never to one from the request."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from core import db
from core.content import links
from core.models import CampaignLink, LinkClick, Message


def keep(session: Session, campaign_id: int, urls: Iterable[str]) -> None:
    """Let clicks on these addresses be counted from now on, instead of those kept before."""
    session.connection().execute(delete(CampaignLink).where(col(CampaignLink.campaign_id) == campaign_id))
    session.add_all(CampaignLink(campaign_id=campaign_id, url=url) for url in urls)
    session.flush()


def of(session: Session, campaign_id: int) -> tuple[tuple[str, int], ...]:
    """The addresses of a campaign with the number of each, in the order of their numbers."""
    mine = col(CampaignLink.campaign_id) == campaign_id
    rows = session.execute(select(CampaignLink.url, CampaignLink.id).where(mine).order_by(col(CampaignLink.id)))
    return tuple((url, link_id) for url, link_id in rows)


def find(session: Session, link_id: int) -> str | None:
    """The address behind a number; None where the campaign is gone."""
    return session.exec(select(CampaignLink.url).where(col(CampaignLink.id) == link_id)).first()


def own(session: Session, link_id: int, message_id: int) -> str | None:
    """The address behind a number as this mail has it, with the merge fields of its recipient.

    None where the campaign is gone, and for a mail of another campaign: whoever writes a link would read its fields.
    """
    same = col(Message.campaign_id) == col(CampaignLink.campaign_id)
    mail = select(CampaignLink.url, Message.email, Message.fields).join(Message, same)
    row = session.execute(mail.where(col(CampaignLink.id) == link_id, col(Message.id) == message_id)).first()
    return links.filled(row.url, {**row.fields, "email": row.email}) if row else None


def followed(session: Session, clicks: Iterable[tuple[int, int, datetime]]) -> None:
    """Note who followed which link first when, as (link id, message id, when). Safe to call twice with the same.

    Only a link of the message's own campaign: address and mail are signed apart, and anybody may mix those of two.
    """
    first: dict[tuple[int, int], datetime] = {}
    for link_id, message_id, at in clicks:
        key = (link_id, message_id)
        first[key] = min(at, first.get(key, at))
    if not first:
        return
    known = col(CampaignLink.id).in_({link_id for link_id, _ in first})  # a draft's links may have been replaced
    of_link = dict(session.execute(select(CampaignLink.id, CampaignLink.campaign_id).where(known)).all())
    clicked = col(Message.id).in_({message_id for _, message_id in first})
    of_message = dict(session.execute(select(Message.id, Message.campaign_id).where(clicked)).all())
    rows: list[dict[str, Any]] = [
        {"link_id": link_id, "message_id": message_id, "at": at}
        for (link_id, message_id), at in sorted(first.items())
        if link_id in of_link and of_link[link_id] == of_message.get(message_id)
    ]
    db.insert_ignore(session, LinkClick.__table__, rows)  # type: ignore[attr-defined]
