"""Begin the documents anew.

Rollback: none; the documents were imported and will be again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("TRUNCATE documents")


def downgrade() -> None:
    pass
