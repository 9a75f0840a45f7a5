"""what told that an address is suppressed, where that was a file"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('suppression', sa.Column('source', sa.String(), nullable=False, server_default=''))
    # What readers and servers here say is about a message.
    op.execute("update suppression set source = 'An upload' where message_id is null and reason <> 'manual'")


def downgrade() -> None:
    op.execute("update suppression set reason = 'manual' where reason = 'blocked'")
    op.drop_column('suppression', 'source')
