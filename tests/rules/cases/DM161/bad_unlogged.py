"""The documents need no log.

Rollback: log them again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE documents SET UNLOGGED")


def downgrade() -> None:
    op.execute("ALTER TABLE documents SET LOGGED")
