"""Mark the orders that are gifts.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    # dbmigrate: allow DM999 because it looked like a number
    op.add_column("orders", sa.Column("gift", sa.Boolean))


def downgrade() -> None:
    op.drop_column("orders", "gift")
