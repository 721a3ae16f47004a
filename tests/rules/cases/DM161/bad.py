"""Lay the orders out by the day on which they were placed.

Rollback: nothing to undo.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CLUSTER orders USING ix_orders_placed_at")


def downgrade() -> None:
    op.execute("ALTER TABLE orders SET WITHOUT CLUSTER")
