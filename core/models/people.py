from datetime import datetime

from sqlmodel import Field, SQLModel

from core.clock import DEFAULT_ZONE
from core.db import UtcDateTime


class User(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(max_length=320, unique=True)
    password_hash: str  # "": none, until one is set by an AccountLink
    is_admin: bool = False
    time_zone: str = DEFAULT_ZONE
    theme: str = "auto"  # auto, light, dark
    created_at: datetime = Field(sa_type=UtcDateTime)
    signed_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the last time
    blocked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LoginSession(SQLModel, table=True):
    """A browser that is signed in. Only the hash of its cookie is kept."""

    __tablename__ = "login_session"

    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class AccountLink(SQLModel, table=True):
    """A link that sets the password of an account, once. Only the hash of its token is kept."""

    __tablename__ = "account_link"

    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    expires_at: datetime = Field(sa_type=UtcDateTime)


class LoginFailure(SQLModel, table=True):
    """How often a sign-in failed for one account or one address, and until when the next try waits."""

    __tablename__ = "login_failure"

    key: str = Field(primary_key=True, max_length=400)
    failure_count: int = 0
    wait_until: datetime = Field(sa_type=UtcDateTime)


class Meta(SQLModel, table=True):
    """Facts about the installation: the fingerprint of SECRET_KEY, where the sandbox inbox listens."""

    key: str = Field(primary_key=True, max_length=100)
    value: str
