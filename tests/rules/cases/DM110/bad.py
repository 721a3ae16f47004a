"""Drop an index that no query uses.

Rollback: build it again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.drop_index("ix_orders_placed_at", "orders")


def downgrade() -> None:
    op.create_index("ix_orders_placed_at", "orders", ["placed_at"])
