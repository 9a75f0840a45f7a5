from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

import core.models  # noqa: F401  fills the metadata
from core import db


def _render(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Our own types by their names, SQLModel's string as SQLAlchemy's."""
    if kind != "type":
        return False
    for name in ("EmailText", "BigId", "Json", "JsonOrNull"):
        if item is getattr(db, name):
            return f"core.db.{name}"
    if isinstance(item, db.UtcDateTime):
        return "core.db.UtcDateTime()"
    if isinstance(item, AutoString):
        return f"sa.String({item.length})" if item.length else "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
