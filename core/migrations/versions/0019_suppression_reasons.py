"""an index for the suppressed addresses of one reason"""

from alembic import op

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('ix_suppression_reason', 'suppression', ['user_id', 'reason', 'id'])


def downgrade() -> None:
    op.drop_index('ix_suppression_reason', 'suppression')
