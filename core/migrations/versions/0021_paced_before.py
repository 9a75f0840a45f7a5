"""the pace of a sender before a change of its limits, until a mail starts"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sender', sa.Column('paced_before', core.db.JsonOrNull, nullable=True))


def downgrade() -> None:
    op.drop_column('sender', 'paced_before')
