"""the senders that a campaign had before the one that it has"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'campaign_sender',
        sa.Column('campaign_id', sa.Integer(), nullable=False),
        sa.Column('sender_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
        sa.ForeignKeyConstraint(['sender_id'], ['sender.id'], ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('campaign_id', 'sender_id'),
    )


def downgrade() -> None:
    op.drop_table('campaign_sender')
