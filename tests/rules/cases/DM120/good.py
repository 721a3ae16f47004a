"""No order costs less than nothing.

Rollback: drop the check.
"""

from alembic import op


def upgrade() -> None:
    op.add_check("ck_orders_total", "orders", "total >= 0")


def downgrade() -> None:
    op.drop_constraint("ck_orders_total", "orders")
