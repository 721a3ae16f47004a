"""Nobody else changes the schema of the documents meanwhile; everyone reads and writes them.

Rollback: nothing changed.
"""

from alembic import op


def upgrade() -> None:
    op.execute("LOCK TABLE documents IN SHARE UPDATE EXCLUSIVE MODE")


def downgrade() -> None:
    pass
