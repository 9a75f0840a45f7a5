from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from core.db import UtcDateTime


class Image(SQLModel, table=True):
    """A picture of a user for their mails, as it is served: in the database, so that every web process has it."""

    __table_args__ = (UniqueConstraint("user_id", "digest"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", ondelete="CASCADE")
    name: str = Field(default="", max_length=100)  # of the file it came from
    alt: str = Field(default="", max_length=500)  # said last; offered when it is used again
    kind: str = Field(max_length=4)  # jpg, png, gif
    width: int
    height: int
    size: int  # bytes
    digest: str = Field(max_length=64)  # SHA-256 of the data: the same picture is kept once
    created_at: datetime = Field(sa_type=UtcDateTime)
    data: bytes = b""
