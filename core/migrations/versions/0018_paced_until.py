"""the pace of a sender apart from when it is due, and mails that take a start of it beside its owner"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

import core.db
from core import clock

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sender', sa.Column('paced_until', core.db.UtcDateTime(), nullable=True))
    op.add_column('sender', sa.Column('pace_version', sa.Integer(), server_default='0', nullable=False))
    moments = (sa.column(name, core.db.UtcDateTime()) for name in ('paced_until', 'next_start_at'))
    sender = sa.table('sender', *moments)
    soon = sender.c.next_start_at < clock.utcnow() + timedelta(seconds=65)  # later: of an hour, a day or a window
    op.execute(sender.update().where(soon).values(paced_until=sender.c.next_start_at))


def downgrade() -> None:
    op.drop_column('sender', 'pace_version')
    op.drop_column('sender', 'paced_until')
