"""workers that tell of themselves"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)
json = sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')


def upgrade() -> None:
    op.create_table('worker',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('started_at', moment, nullable=False),
    sa.Column('seen_at', moment, nullable=False),
    sa.Column('figures', json, nullable=False),
    sa.PrimaryKeyConstraint('name')
    )


def downgrade() -> None:
    op.drop_table('worker')
