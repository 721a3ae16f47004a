"""Mend a document without noting it: the trigger is off for this transaction alone.

Rollback: nothing; the text says the same.
"""

from alembic import op


def upgrade() -> None:
    op.execute("SET LOCAL session_replication_role = replica")
    op.execute("UPDATE documents SET body = trim(body) WHERE id = 1")


def downgrade() -> None:
    pass
