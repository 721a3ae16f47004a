"""An order's refunds are found, and belong to an order that exists.

Rollback: drop both.
"""

from alembic import op


def upgrade() -> None:
    op.drop_index_concurrently("ix_refunds_order_id", "refunds")
    op.create_index_concurrently("ix_refunds_order", "refunds", ["order_id"], include=["amount"])
    op.add_foreign_key("fk_refunds_order_id", "refunds", "orders", ["order_id"], ["id"])


def downgrade() -> None:
    op.create_index_concurrently("ix_refunds_order_id", "refunds", ["order_id"])
    op.drop_index_concurrently("ix_refunds_order", "refunds")
    op.drop_constraint("fk_refunds_order_id", "refunds")
