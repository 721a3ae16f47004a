"""Shrink an index that has grown.

Rollback: nothing changed.
"""

from alembic import op


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("REINDEX INDEX CONCURRENTLY ix_orders_placed_at")


def downgrade() -> None:
    pass
