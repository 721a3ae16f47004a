"""Find an order by its code without a scan.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    op.create_index_concurrently("ix_orders_code", "orders", ["code"])


def downgrade() -> None:
    op.drop_index_concurrently("ix_orders_code", "orders")
