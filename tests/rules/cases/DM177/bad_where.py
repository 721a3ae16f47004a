"""Fold the codes that nobody folded.

Rollback: nothing to do; nobody reads the column yet.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("UPDATE orders SET code_folded = lower(code) WHERE code_folded IS NULL")


def downgrade() -> None:
    pass
