"""whether opens and clicks of a campaign can be counted"""

import sqlalchemy as sa
from alembic import op

from core import config

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('campaign', sa.Column('readers_counted', sa.Boolean(), nullable=True))
    if not config.settings.base_url:  # nor was it when these went out, as far as anybody knows
        op.execute(
            "update campaign set readers_counted = false where started_at is not null and opened_count = 0 "
            "and clicked_count = 0 and coalesce(sender_id, 0) not in (select id from sender where is_sandbox)"
        )


def downgrade() -> None:
    op.drop_column('campaign', 'readers_counted')
