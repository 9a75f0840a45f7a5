from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from core.db import Json, UtcDateTime


class Worker(SQLModel, table=True):
    """A process that sends, as it told of itself last; one that ends in order takes its row away."""

    name: str = Field(primary_key=True, max_length=80)  # the owner of senders
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    figures: dict[str, Any] = Field(default_factory=dict, sa_type=Json)  # see delivery.workers.Figures
