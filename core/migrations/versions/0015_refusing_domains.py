"""domains that are left out of a campaign, as their server refuses it"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'refusing_domain',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('domain', core.db.EmailText, nullable=False),
        sa.Column('reply', sa.String(), nullable=False),
        sa.Column('is_done', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('campaign_id', 'domain'),
    )


def downgrade() -> None:
    op.drop_table('refusing_domain')
