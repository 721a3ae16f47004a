"""No order weighs nothing.

Rollback: drop the check.
"""

from alembic import op


def upgrade() -> None:
    op.add_check("ck_orders_weight", "orders", "weight > 0")


def downgrade() -> None:
    op.drop_constraint("ck_orders_weight", "orders")
