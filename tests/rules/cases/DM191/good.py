"""Fold the codes of a table that is written for an hour, batch by batch.

Rollback: nothing to do; nobody reads the column yet.
"""

from alembic import op

SIZES = {"public.orders": 200_000_000_000}


def upgrade() -> None:
    op.backfill("orders", {"code_folded": "lower(code)"}, "code_folded IS NULL")


def downgrade() -> None:
    pass
