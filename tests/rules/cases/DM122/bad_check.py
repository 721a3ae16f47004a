"""Weigh an order for the parcel service.

Rollback: drop the column.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN weight integer CHECK (weight > 0)")


def downgrade() -> None:
    op.drop_column("orders", "weight")
