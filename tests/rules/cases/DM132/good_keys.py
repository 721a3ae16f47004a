"""An order is told by its code, alone and with its user.

Rollback: drop both.
"""

from alembic import op

SIZES = {"public.orders": 8192, "public.refunds": 8192}


def upgrade() -> None:
    op.create_unique_constraint("uq_orders_code", "orders", ["code"])
    op.create_unique_constraint("uq_orders_code_user_id", "orders", ["code", "user_id"])


def downgrade() -> None:
    op.drop_constraint("uq_orders_code_user_id", "orders")
    op.drop_constraint("uq_orders_code", "orders")
