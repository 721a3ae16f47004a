"""Mark the orders that are gifts; none was so far.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("gift", sa.Boolean))
    op.backfill("orders", {"gift": "false"}, "gift IS NULL")


def downgrade() -> None:
    op.drop_column("orders", "gift")
