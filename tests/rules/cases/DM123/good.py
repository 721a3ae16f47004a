"""No order costs less than nothing.

Rollback: drop the check.
"""

from alembic import op


def upgrade() -> None:
    op.create_check_constraint("ck_orders_total", "orders", "total >= 0", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint("ck_orders_total", "orders")
