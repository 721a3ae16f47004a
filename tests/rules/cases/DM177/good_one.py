"""Mend one document.

Rollback: nothing; the body was empty.
"""

from alembic import op


def upgrade() -> None:
    op.execute("UPDATE documents SET body = coalesce(body, owner) WHERE id = 1")


def downgrade() -> None:
    pass
