"""the language of what is added to a campaign's mails"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('campaign', sa.Column('language', sa.String(length=10), nullable=False, server_default='en'))


def downgrade() -> None:
    op.drop_column('campaign', 'language')
