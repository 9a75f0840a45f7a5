from datetime import datetime

from sqlmodel import Field, SQLModel

from core.db import UtcDateTime


class SandboxSetting(SQLModel, table=True):
    """How a user's sandbox behaves: the provider it plays, and whether simulated readers open the mails."""

    __tablename__ = "sandbox_setting"

    user_id: int = Field(foreign_key="user.id", primary_key=True, ondelete="CASCADE")
    scenario: str = Field(default="normal", max_length=20)  # see delivery.scenarios
    readers: bool = False


class Sample(SQLModel, table=True):
    """Something that "Try it now" made for a user, so that it can be taken away again: one of the three is set.

    It goes with what it names: SQLite gives the number of a deleted row to the next one.
    """

    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="user.id", index=True, ondelete="CASCADE")
    list_id: int | None = Field(default=None, foreign_key="contact_list.id", index=True, ondelete="CASCADE")
    template_id: int | None = Field(default=None, foreign_key="template.id", index=True, ondelete="CASCADE")
    campaign_id: int | None = Field(default=None, foreign_key="campaign.id", index=True, ondelete="CASCADE")


class FirstSteps(SQLModel, table=True):
    """The way of a newcomer is over for this user: all was done, or it was dismissed."""

    __tablename__ = "first_steps"

    user_id: int = Field(foreign_key="user.id", primary_key=True, ondelete="CASCADE")
    closed_at: datetime = Field(sa_type=UtcDateTime)
