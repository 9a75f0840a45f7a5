from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.clock import DEFAULT_ZONE
from core.db import JsonOrNull, UtcDateTime


class BodyKind(StrEnum):
    rich = "rich"
    html = "html"


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


class CampaignList(SQLModel, table=True):
    """The audience of a campaign: these lists."""

    __tablename__ = "campaign_list"

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    list_id: int = Field(foreign_key="contact_list.id", primary_key=True, index=True, ondelete="CASCADE")


class CampaignLink(SQLModel, table=True):
    """An address in the mail of a campaign at which clicks are counted; readers are sent to no other."""

    __tablename__ = "campaign_link"
    __table_args__ = (UniqueConstraint("campaign_id", "url"),)

    id: int | None = Field(default=None, primary_key=True)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    url: str


class Activity(SQLModel, table=True):
    """What happened in one hour of a campaign, for charts over time."""

    campaign_id: int = Field(foreign_key="campaign.id", primary_key=True, ondelete="CASCADE")
    hour_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    sent_count: int = 0
    failed_count: int = 0
    opened_count: int = 0
