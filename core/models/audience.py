from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.db import EmailText, Json, UtcDateTime


class Contact(SQLModel, table=True):
    """A person in a user's address book. ``fields``: merge field name -> text."""

    __table_args__ = (UniqueConstraint("user_id", "email"), Index("ix_contact_domain", "user_id", "domain", "email"))

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    email: str = Field(sa_type=EmailText)  # lower case
    domain: str = Field(default="", sa_type=EmailText)  # for the search by @example.com
    fields: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    created_at: datetime = Field(sa_type=UtcDateTime)


class ContactList(SQLModel, table=True):
    """A named set of contacts."""

    __tablename__ = "contact_list"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    name: str = Field(max_length=200)
    contact_count: int = 0
    fields: list[str] = Field(default_factory=list, sa_type=Json)  # the merge fields its contacts were stored with
    created_at: datetime = Field(sa_type=UtcDateTime)


class ListMember(SQLModel, table=True):
    __tablename__ = "list_member"

    list_id: int = Field(foreign_key="contact_list.id", primary_key=True, ondelete="CASCADE")
    contact_id: int = Field(foreign_key="contact.id", primary_key=True, index=True, ondelete="CASCADE")


class SuppressionReason(StrEnum):
    unsubscribed = "unsubscribed"
    bounced = "bounced"
    complained = "complained"
    blocked = "blocked"  # at another program
    manual = "manual"


class Suppression(SQLModel, table=True):
    """An address that this user's campaigns never mail again."""

    __table_args__ = (UniqueConstraint("user_id", "email"), Index("ix_suppression_reason", "user_id", "reason", "id"))

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    email: str = Field(sa_type=EmailText)
    reason: str = Field(max_length=20)  # a SuppressionReason
    message_id: int | None = None
    detail: str = ""  # the server's own words, for a bounce
    source: str = ""  # the file, and what in it, that told of what was elsewhere; empty for what was here
    created_at: datetime = Field(sa_type=UtcDateTime)
