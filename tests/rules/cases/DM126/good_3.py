"""Every order has a code, as the check proves: it is believed, and not needed any more.

Rollback: put the check back and let the code be absent.
"""

from alembic import op


def upgrade() -> None:
    op.alter_column("orders", "code", nullable=False)
    op.drop_constraint("ck_orders_code", "orders")


def downgrade() -> None:
    op.create_check_constraint("ck_orders_code", "orders", "code IS NOT NULL", postgresql_not_valid=True)
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_code")
    op.alter_column("orders", "code", nullable=True)
