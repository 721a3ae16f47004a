"""Every order has a channel.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("channel", sa.Text, nullable=False, server_default="web"))
    op.alter_column("orders", "channel", server_default=None)


def downgrade() -> None:
    op.drop_column("orders", "channel")
