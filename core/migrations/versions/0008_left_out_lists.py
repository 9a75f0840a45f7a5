"""lists whose people a campaign leaves out"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('campaign_list', sa.Column('is_left_out', sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute('delete from campaign_list where is_left_out')  # without the column they would be recipients
    op.drop_column('campaign_list', 'is_left_out')
