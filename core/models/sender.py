from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from core.db import BigId, JsonOrNull, UtcDateTime


class Security(StrEnum):
    none = "none"
    starttls = "starttls"
    tls = "tls"


class SenderState(StrEnum):
    ready = "ready"
    cooling = "cooling"
    blocked = "blocked"


class Sender(SQLModel, table=True):
    """From identity + SMTP account + its limits; and who owns it now, until when, and its pace."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    name: str = Field(max_length=200)
    is_default: bool = False
    is_sandbox: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    preset: str = Field(default="other", max_length=40)
    host: str = Field(default="", max_length=255)
    port: int = 587
    security: str = Field(default=Security.starttls, max_length=10)
    username: str = Field(default="", max_length=320)
    password_sealed: str = ""  # crypto.seal(password, f"sender:{id}"); empty: no sign-in
    from_name: str = Field(default="", max_length=200)
    from_address: str = Field(default="", max_length=320)
    reply_to: str = Field(default="", max_length=320)

    # Limits; None = no limit.
    # Without a column default: SQLAlchemy would use it in place of None, which means no limit.
    per_minute: int | None = Field(default=30, sa_column_kwargs={"default": None})
    per_second: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    domain_per_minute: int | None = None  # to one recipient domain, for a server that delivers straight
    sending_window: dict[str, Any] | None = Field(default=None, sa_type=JsonOrNull)  # see delivery.windows
    warmup: dict[str, Any] | None = Field(default=None, sa_type=JsonOrNull)  # see delivery.warmup
    connections: int = 2
    delay_seconds: float = 4.0  # from start to start on one connection
    batch_size: int = 50
    refresh_after: int = 500  # mails, then a new connection

    # What the provider's throttles taught; None = nothing. Pinned: it stays as it is.
    learned_per_minute: float | None = None
    learned_connections: int | None = None
    learned_pinned: bool = False
    learned_rule: str = Field(default="", max_length=80)
    learned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    # ready / cooling (until) / blocked (until the user saves it), with the reply that caused it.
    state: str = Field(default=SenderState.ready, max_length=10)
    cooling_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cooldown_step: int = 0  # 0 none, 1 = 30 s, 2 = 1 min, 3 = 1 h; a success resets
    state_kind: str = Field(default="", max_length=40)
    state_rule: str = Field(default="", max_length=80)
    state_reply: str = ""
    test_problem: str | None = None  # None: this account was never tested; "": it works; else why the last test failed

    # The lease: one worker process owns a sender at a time. Times are the database's.
    owner: str = Field(default="", max_length=80)
    epoch: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_start_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # its limits and hours: not before
    # By its limits per second and minute no mail starts before. The version counts what its owner does not know of, as
    # test mails: none of the owner's mails starts then before it has read this row again.
    paced_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pace_version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    paced_before: dict[str, Any] | None = Field(default=None, sa_type=JsonOrNull)  # see delivery.new_limits
    guest_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # see delivery.guests


class SenderUsage(SQLModel, table=True):
    """How many mails a sender started in one minute, for the limits per hour and day."""

    __tablename__ = "sender_usage"

    sender_id: int = Field(foreign_key="sender.id", primary_key=True, ondelete="CASCADE")
    minute_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    started_count: int = 0


class DomainPace(SQLModel, table=True):
    """When a sender may start its next mail to one recipient domain."""

    __tablename__ = "domain_pace"

    sender_id: int = Field(foreign_key="sender.id", primary_key=True, ondelete="CASCADE")
    domain: str = Field(primary_key=True, max_length=255)
    next_at: datetime = Field(sa_type=UtcDateTime)


class BounceMailbox(SQLModel, table=True):
    """Where the bounces of a sender's mails arrive: an IMAP folder, and how far it was read."""

    __tablename__ = "bounce_mailbox"

    sender_id: int = Field(primary_key=True, foreign_key="sender.id", ondelete="CASCADE")
    host: str = Field(max_length=255)
    port: int = 993
    security: str = Field(default=Security.tls, max_length=10)
    same_sign_in: bool = True  # the sender's own username and password
    username: str = Field(default="", max_length=320)
    password_sealed: str = ""  # crypto.seal(password, f"mailbox:{sender_id}")
    folder: str = Field(default="INBOX", max_length=200)
    version: int = 1  # counts its changes: a check of the mailbox as it was before writes nothing

    # Read up to last_uid; that is valid while the folder's UIDVALIDITY is this one (RFC 3501 section 2.3.1.1).
    uid_validity: int | None = Field(default=None, sa_type=BigId)
    last_uid: int = Field(default=0, sa_type=BigId)
    bounced_count: int = 0
    complained_count: int = 0

    next_check_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # None: when its user has mended it
    checking_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # somebody reads it now
    checked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0  # checks in a row that could not read it
    error: str = ""  # a sentence; "" after a check that went well
    error_reply: str = ""  # the server's own words


class DkimKey(SQLModel, table=True):
    """A key that signs the mails from one domain of a user."""

    __tablename__ = "dkim_key"
    __table_args__ = (UniqueConstraint("user_id", "domain", "algorithm"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    domain: str = Field(max_length=255)
    selector: str = Field(max_length=63)
    algorithm: str = Field(max_length=10)  # rsa, ed25519
    private_sealed: str = ""  # crypto.seal(PEM, f"dkim:{id}")
    public_key: str = ""  # base64, as in the DNS record
    is_active: bool = False  # signs only when the user says that the DNS record is there
    created_at: datetime = Field(sa_type=UtcDateTime)
