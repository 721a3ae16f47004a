"""Every order has a code.

Rollback: let it be absent again.
"""

from alembic import op


def upgrade() -> None:
    op.create_check_constraint("ck_orders_code", "orders", "code IS NOT NULL", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint("ck_orders_code", "orders")
