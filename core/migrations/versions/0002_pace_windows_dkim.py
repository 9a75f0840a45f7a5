"""pace by second, learned pace, sending windows, warm-up, domain pace, DKIM keys"""

import sqlalchemy as sa
from alembic import op

import core.db

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('sender', schema=None) as batch_op:
        batch_op.add_column(sa.Column('per_second', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('domain_per_minute', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('sending_window', core.db.JsonOrNull, nullable=True))
        batch_op.add_column(sa.Column('warmup', core.db.JsonOrNull, nullable=True))
        batch_op.add_column(sa.Column('learned_per_minute', sa.Float(), nullable=True))
        batch_op.add_column(sa.Column('learned_connections', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('learned_pinned', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('learned_rule', sa.String(80), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('learned_at', core.db.UtcDateTime(), nullable=True))

    with op.batch_alter_table('campaign', schema=None) as batch_op:
        batch_op.add_column(sa.Column('sending_window', core.db.JsonOrNull, nullable=True))
        batch_op.add_column(sa.Column('warmup', core.db.JsonOrNull, nullable=True))
        batch_op.add_column(sa.Column('hold_until', core.db.UtcDateTime(), nullable=True))

    op.create_table('domain_pace',
    sa.Column('sender_id', sa.Integer(), nullable=False),
    sa.Column('domain', sa.String(255), nullable=False),
    sa.Column('next_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['sender_id'], ['sender.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('sender_id', 'domain')
    )
    op.create_table('dkim_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('domain', sa.String(255), nullable=False),
    sa.Column('selector', sa.String(63), nullable=False),
    sa.Column('algorithm', sa.String(10), nullable=False),
    sa.Column('private_sealed', sa.String(), nullable=False),
    sa.Column('public_key', sa.String(), nullable=False),
    sa.Column('is_active', sa.Boolean(), nullable=False),
    sa.Column('created_at', core.db.UtcDateTime(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'domain', 'algorithm')
    )


def downgrade() -> None:
    op.drop_table('dkim_key')
    op.drop_table('domain_pace')
    with op.batch_alter_table('campaign', schema=None) as batch_op:
        for name in ('hold_until', 'warmup', 'sending_window'):
            batch_op.drop_column(name)
    with op.batch_alter_table('sender', schema=None) as batch_op:
        for name in ('learned_at', 'learned_rule', 'learned_pinned', 'learned_connections', 'learned_per_minute',
                     'warmup', 'sending_window', 'domain_per_minute', 'per_second'):
            batch_op.drop_column(name)
