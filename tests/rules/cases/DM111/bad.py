"""Shrink an index that has grown.

Rollback: nothing changed.
"""

from alembic import op


def upgrade() -> None:
    op.execute("REINDEX INDEX ix_orders_placed_at")


def downgrade() -> None:
    pass
