"""Know which device read it.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("readings", sa.Column("device", sa.Text, nullable=False, server_default="unknown"))


def downgrade() -> None:
    op.drop_column("readings", "device")
