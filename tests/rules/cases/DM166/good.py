"""Mark the orders that are gifts.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("gift", sa.Boolean))


def downgrade() -> None:
    op.drop_column("orders", "gift")
