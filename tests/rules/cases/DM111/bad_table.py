"""Shrink the indexes of the orders.

Rollback: nothing changed.
"""

from alembic import op


def upgrade() -> None:
    op.execute("REINDEX TABLE orders")


def downgrade() -> None:
    pass
