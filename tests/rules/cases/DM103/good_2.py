"""Find the orders that are gifts.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    op.create_index_concurrently("ix_orders_gift", "orders", ["gift"])


def downgrade() -> None:
    op.drop_index_concurrently("ix_orders_gift", "orders")
