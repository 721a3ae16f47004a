"""Mend the address of one document, which an index keeps unique.

Rollback: the old spelling.
"""

from alembic import op


def upgrade() -> None:
    op.execute("UPDATE documents SET code = 'A-1' WHERE documents.code = 'a-1'")


def downgrade() -> None:
    op.execute("UPDATE documents SET code = 'a-1' WHERE documents.code = 'A-1'")
