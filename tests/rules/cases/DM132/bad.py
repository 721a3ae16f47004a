"""No order costs less than nothing or has no pieces.

Rollback: drop the checks.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.create_check_constraint("ck_orders_total", "orders", "total >= 0")
    op.create_check_constraint("ck_orders_quantity", "orders", "quantity > 0")


def downgrade() -> None:
    op.drop_constraint("ck_orders_quantity", "orders")
    op.drop_constraint("ck_orders_total", "orders")
