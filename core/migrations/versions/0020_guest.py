"""until when no worker takes a sender, as a test has its only connection"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sender', sa.Column('guest_until', core.db.UtcDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column('sender', 'guest_until')
