"""Totals are in whole euros.

Rollback: put the totals back that total_before holds.
"""

from alembic import op


def upgrade() -> None:
    op.backfill("orders", "total_before = total, total = round(total)", "total_before IS NULL")


def downgrade() -> None:
    op.backfill("orders", "total = total_before, total_before = NULL", "total_before IS NOT NULL")
