"""Check the orders of before, while they are read and written.

Rollback: put the check back as it was, NOT VALID.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_total")


def downgrade() -> None:
    op.drop_constraint("ck_orders_total", "orders")
    op.create_check_constraint("ck_orders_total", "orders", "total >= 0", postgresql_not_valid=True)
