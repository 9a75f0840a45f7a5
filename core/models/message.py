from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from core.db import BigId, EmailText, Json, UtcDateTime


class MessageState(StrEnum):
    pending = "pending"
    claimed = "claimed"
    sending = "sending"
    sent = "sent"
    failed = "failed"
    suppressed = "suppressed"
    cancelled = "cancelled"
    unknown = "unknown"


# Whose sender is only the one that was meant for it.
NOT_TRIED = (MessageState.pending, MessageState.suppressed, MessageState.cancelled)


def _when(state: str) -> dict[str, Any]:
    return {"sqlite_where": text(state), "postgresql_where": text(state)}


class Message(SQLModel, table=True):
    """One mail to one recipient of one campaign: the ledger."""

    __table_args__ = (
        UniqueConstraint("campaign_id", "email"),
        Index("ix_message_page", "campaign_id", "id"),
        Index("ix_message_state", "campaign_id", "state", "id"),
        Index("ix_message_domain", "campaign_id", "domain", "id"),
        Index("ix_message_due", "campaign_id", "retry_at", "id", **_when("state = 'pending'")),
        Index("ix_message_failed", "campaign_id", "kind", "rule_id", **_when("state = 'failed'")),
        Index("ix_message_held", "sender_id", "epoch", **_when("state in ('claimed', 'sending')")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    campaign_id: int = Field(foreign_key="campaign.id", ondelete="CASCADE")
    sender_id: int
    contact_id: int | None = None
    email: str = Field(sa_type=EmailText)
    domain: str = Field(default="", sa_type=EmailText)
    fields: dict[str, Any] = Field(default_factory=dict, sa_type=Json)  # merge fields as they were at the start

    state: str = Field(default=MessageState.pending, max_length=10)
    attempts: int = 0
    retry_at: datetime = Field(sa_type=UtcDateTime)  # due from then on
    epoch: int | None = None  # of the sender's owner that claimed it
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    clicked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    bounced_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    complained_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    unsubscribed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    # The last word of the server about it.
    phase: str = Field(default="", max_length=10)
    reply_code: int | None = None
    reply: str = ""
    kind: str = Field(default="", max_length=40)
    rule_id: str = Field(default="", max_length=80)


class Attempt(SQLModel, table=True):
    """One try that was not accepted: when, where it ended and the server's own words."""

    __table_args__ = (Index("ix_attempt_campaign", "campaign_id", "rule_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    message_id: int = Field(foreign_key="message.id", index=True, ondelete="CASCADE", sa_type=BigId)
    campaign_id: int
    at: datetime = Field(sa_type=UtcDateTime)
    phase: str = Field(default="", max_length=10)
    reply_code: int | None = None
    reply: str = ""
    kind: str = Field(default="", max_length=40)
    rule_id: str = Field(default="", max_length=80)


class SandboxMail(SQLModel, table=True):
    """A mail that the sandbox inbox received."""

    __tablename__ = "sandbox_mail"
    __table_args__ = (Index("ix_sandbox_mail_user", "user_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigId)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    received_at: datetime = Field(sa_type=UtcDateTime)
    mail_from: str = Field(default="", max_length=320)
    rcpt_to: str = Field(default="", max_length=320)
    subject: str = ""
    size: int = 0
    raw: bytes = b""
