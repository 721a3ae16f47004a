"""Check the orders of before in one go, while they are read and written.

Rollback: put the checks back as they were, NOT VALID.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_total, VALIDATE CONSTRAINT ck_orders_quantity"
    )


def downgrade() -> None:
    op.drop_constraint("ck_orders_quantity", "orders")
    op.drop_constraint("ck_orders_total", "orders")
    op.create_check_constraint("ck_orders_total", "orders", "total >= 0", postgresql_not_valid=True)
    op.create_check_constraint("ck_orders_quantity", "orders", "quantity > 0", postgresql_not_valid=True)
