"""readers by the quarter of an hour, clicks by link, counters by the minute"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

# The start of the quarter of an hour of a column, as each database keeps times.
_QUARTER = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%S.000000', cast(strftime('%s', {0}) as integer) / 900 * 900, 'unixepoch')",
    "postgresql": "to_timestamp(floor(extract(epoch from {0}) / 900) * 900)",
}


def upgrade() -> None:
    op.create_table('reading',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('quarter_at', core.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('opened_count', sa.Integer(), nullable=False),
    sa.Column('clicked_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'quarter_at')
    )
    op.create_table('link_click',
    sa.Column('link_id', sa.Integer(), nullable=False),
    sa.Column('message_id', core.db.BigId, autoincrement=False, nullable=False),
    sa.Column('at', core.db.UtcDateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['link_id'], ['campaign_link.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('link_id', 'message_id')
    )
    op.create_table('campaign_sample',
    sa.Column('campaign_id', sa.Integer(), nullable=False),
    sa.Column('minute_at', core.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('at', core.db.UtcDateTime(timezone=True), nullable=False),
    sa.Column('sent_count', sa.Integer(), nullable=False),
    sa.Column('failed_count', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaign.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'minute_at')
    )
    _count_what_was_read()


def _count_what_was_read() -> None:
    quarter = _QUARTER[op.get_bind().dialect.name]
    op.execute(f"""
        insert into reading (campaign_id, quarter_at, opened_count, clicked_count)
        select campaign_id, quarter_at, sum(opened), sum(clicked) from (
            select campaign_id, {quarter.format('opened_at')} as quarter_at, 1 as opened, 0 as clicked
            from message where opened_at is not null
            union all
            select campaign_id, {quarter.format('clicked_at')}, 0, 1 from message where clicked_at is not null
        ) as facts group by campaign_id, quarter_at
    """)


def downgrade() -> None:
    op.drop_table('campaign_sample')
    op.drop_table('link_click')
    op.drop_table('reading')
