"""No order is numbered twice: an exclusion, which no index CONCURRENTLY can carry.

Rollback: drop the constraint.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD CONSTRAINT ex_orders_code EXCLUDE (code WITH =)")


def downgrade() -> None:
    op.drop_constraint("ex_orders_code", "orders")
