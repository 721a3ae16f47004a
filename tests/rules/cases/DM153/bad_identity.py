"""Write whole old rows of documents to the log.

Rollback: only the key again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("ALTER TABLE documents REPLICA IDENTITY FULL")


def downgrade() -> None:
    op.execute("ALTER TABLE documents REPLICA IDENTITY DEFAULT")
