"""Fold the codes.

Rollback: nothing to do; nobody reads the column yet.
"""

from alembic import op


def upgrade() -> None:
    op.execute("UPDATE orders SET code_folded = coalesce(code_folded, lower(code))")


def downgrade() -> None:
    pass
