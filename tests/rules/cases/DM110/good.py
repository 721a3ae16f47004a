"""Drop an index that no query uses.

Rollback: build it again.
"""

from alembic import op


def upgrade() -> None:
    op.drop_index_concurrently("ix_orders_placed_at", "orders")


def downgrade() -> None:
    op.create_index_concurrently("ix_orders_placed_at", "orders", ["placed_at"])
