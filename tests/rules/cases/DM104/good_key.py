"""No code belongs to two orders.

Rollback: drop the constraint.
"""

from alembic import op


def upgrade() -> None:
    op.add_unique("uq_orders_code", "orders", ["code"])


def downgrade() -> None:
    op.drop_constraint("uq_orders_code", "orders")
