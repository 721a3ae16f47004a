"""A refund belongs to an order that exists.

Rollback: drop the constraint.
"""

from alembic import op


def upgrade() -> None:
    op.add_foreign_key("fk_refunds_order_id", "refunds", "orders", ["order_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint("fk_refunds_order_id", "refunds")
