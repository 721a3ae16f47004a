"""No code belongs to two orders: make the constraint of its index, which needs no scan.

Rollback: drop the constraint and build the index again, as a plain one.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD CONSTRAINT uq_orders_code UNIQUE USING INDEX uq_orders_code")


def downgrade() -> None:
    op.drop_constraint("uq_orders_code", "orders")
    op.create_index("uq_orders_code", "orders", ["code"], unique=True)
