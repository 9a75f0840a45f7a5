"""whether the connection of a sender is known to work"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('sender', sa.Column('test_problem', sa.String(), nullable=True))
    op.execute(
        "update sender set test_problem = '' "
        "where is_sandbox or id in (select sender_id from campaign where sent_count > 0)"
    )


def downgrade() -> None:
    op.drop_column('sender', 'test_problem')
