"""accounts that are invited, blocked, reset; their last sign-in"""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column('user', sa.Column('blocked_at', moment, nullable=True))
    op.add_column('user', sa.Column('signed_in_at', moment, nullable=True))
    seen = 'select max(created_at) from login_session where login_session.user_id = "user".id'
    op.execute(f'update "user" set signed_in_at = ({seen})')
    op.create_table('account_link',
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('expires_at', moment, nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['user.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash')
    )
    op.create_index('ix_account_link_user_id', 'account_link', ['user_id'])


def downgrade() -> None:
    op.drop_table('account_link')
    op.execute('delete from login_session where user_id in (select id from "user" where blocked_at is not null)')
    op.drop_column('user', 'signed_in_at')
    op.drop_column('user', 'blocked_at')
