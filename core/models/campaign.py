from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from core.clock import DEFAULT_ZONE
from core.db import BigId, EmailText, JsonOrNull, UtcDateTime

UNDO_FOR = timedelta(hours=1)  # after the deletion of a campaign
GONE_AFTER = UNDO_FOR + timedelta(minutes=1)  # who undoes it in the last moment may still be at it


class BodyKind(StrEnum):
    rich = "rich"
    html = "html"
    markdown = "markdown"


class CampaignStatus(StrEnum):
    draft = "draft"
    scheduled = "scheduled"
    sending = "sending"
    paused = "paused"
    sent = "sent"
    cancelled = "cancelled"


class PauseReason(StrEnum):
    user = "user"
    auth = "auth"  # sign-in refused
    sender = "sender"  # From address not allowed
    content = "content"  # the same refusal of the content three times
    throttled = "throttled"  # throttled for 5 days
    missed = "missed"  # was due more than an hour ago while the program was down


class Template(SQLModel, table=True):
    """A reusable body."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    subject: str = ""
    preheader: str = ""
    body: str = ""
    body_kind: str = Field(default=BodyKind.rich, max_length=10)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Campaign(SQLModel, table=True):
    """One mailing. The counters are changed in the transaction of the state changes they count."""

    __table_args__ = (
        Index("ix_campaign_due", "status", "scheduled_at"),
        Index(
            "ix_campaign_sending",
            "sender_id",
            sqlite_where=text("status = 'sending'"),
            postgresql_where=text("status = 'sending'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    name: str = Field(default="", max_length=200)
    subject: str = ""
    preheader: str = ""
    sender_id: int | None = Field(default=None, foreign_key="sender.id")
    body: str = ""
    body_kind: str = Field(default=BodyKind.rich, max_length=10)
    language: str = Field(default="en", max_length=10, sa_column_kwargs={"server_default": "en"})  # of what is added
    version: int = 1  # counts edits of the draft; two tabs notice each other by it

    status: str = Field(default=CampaignStatus.draft, max_length=10)
    pause_reason: str = Field(default="", max_length=20)
    pause_detail: str = ""  # the server's own words
    scheduled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    time_zone: str = DEFAULT_ZONE  # in which the user chose scheduled_at
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sending_window: dict[str, Any] | None = Field(default=None, sa_type=JsonOrNull)  # see delivery.windows
    warmup: dict[str, Any] | None = Field(default=None, sa_type=JsonOrNull)  # see delivery.warmup
    hold_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # no mail is claimed before: window, warm-up
    readers_counted: bool | None = None  # False: mails went out without an address at which opens reach us
    snapshot_contact_id: int = 0  # recipients are snapshotted up to this contact
    snapshot_done: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # hidden now, purged by upkeep

    recipients_count: int = 0
    pending_count: int = 0
    claimed_count: int = 0
    sending_count: int = 0
    sent_count: int = 0
    failed_count: int = 0
    suppressed_count: int = 0
    cancelled_count: int = 0
    unknown_count: int = 0
    opened_count: int = 0
    clicked_count: int = 0
    bounced_count: int = 0
    complained_count: int = 0
    unsubscribed_count: int = 0
    batch_count: int = 0


class DraftVersion(SQLModel, table=True):
    """The content of a draft as it was, to go back to."""

    __tablename__ = "draft_version"

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True, ondelete="CASCADE")
    saved_at: datetime = Field(sa_type=UtcDateTime)  # when this content was last changed
    kept_at: datetime = Field(sa_type=UtcDateTime)  # when it gave way to another
    reason: str = Field(default="", max_length=300)  # what came after it; empty: typing
    subject: str = ""
    preheader: str = ""
    body: str = ""
    body_kind: str = Field(max_length=10)


class CampaignList(SQLModel, table=True):
    """The audience of a campaign: the people of these lists, but for those who are on one that is left out."""

    __tablename__ = "campaign_list"

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    list_id: int = Field(foreign_key="contact_list.id", primary_key=True, index=True, ondelete="CASCADE")
    is_left_out: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class CampaignSender(SQLModel, table=True):
    """A sender that a campaign had before the one that it has: some of its mails may have gone through it."""

    __tablename__ = "campaign_sender"

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    sender_id: int = Field(foreign_key="sender.id", primary_key=True, ondelete="CASCADE")


class RefusingDomain(SQLModel, table=True):
    """A domain that is left out of a campaign, as its server refused it (``reply``) while others took it.

    ``is_done``: none of its mails waits any more, or they are to.
    """

    __tablename__ = "refusing_domain"

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    domain: str = Field(primary_key=True, sa_type=EmailText)
    reply: str = ""
    is_done: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class CampaignLink(SQLModel, table=True):
    """An address in the mail of a campaign at which clicks are counted; readers are sent to no other server.

    Its merge fields stand in ``url`` as they were written.
    """

    __tablename__ = "campaign_link"
    __table_args__ = (UniqueConstraint("campaign_id", "url"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    url: str


class CampaignAttachment(SQLModel, table=True):
    """A file that every mail of a campaign carries: in the database, so that every worker has it."""

    __tablename__ = "campaign_attachment"

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=100)
    kind: str = Field(max_length=100)  # its media type
    size: int  # bytes
    digest: str = Field(max_length=64)  # SHA-256 of the data
    data: bytes = b""


class Activity(SQLModel, table=True):
    """What happened in one hour of a campaign, for charts over time."""

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    hour_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    sent_count: int = 0
    failed_count: int = 0
    opened_count: int = 0


class Reading(SQLModel, table=True):
    """What readers did first in one quarter of an hour: every zone of the world is off by whole quarters."""

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    quarter_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    opened_count: int = 0
    clicked_count: int = 0


class LinkClick(SQLModel, table=True):
    """Somebody followed this link of their mail, the first time."""

    __tablename__ = "link_click"

    link_id: int = Field(foreign_key="campaign_link.id", primary_key=True, ondelete="CASCADE")
    message_id: int = Field(primary_key=True, sa_type=BigId)
    at: datetime = Field(sa_type=UtcDateTime)


class CampaignSample(SQLModel, table=True):
    """The counters of a running campaign as they were in the ten seconds from ``minute_at`` on, kept for some minutes;
    of each minute the first ones for some hours."""

    __tablename__ = "campaign_sample"

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    minute_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    at: datetime = Field(sa_type=UtcDateTime)
    sent_count: int = 0
    failed_count: int = 0
