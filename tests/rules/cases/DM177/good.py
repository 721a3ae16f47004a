"""Fold the codes.

Rollback: nothing to do; nobody reads the column yet.
"""

from alembic import op


def upgrade() -> None:
    op.backfill("orders", {"code_folded": "lower(code)"}, "code_folded IS NULL")


def downgrade() -> None:
    pass
