"""Monitors also correct what they wrote.

Rollback: take it away again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("GRANT UPDATE ON documents TO pg_monitor")


def downgrade() -> None:
    op.execute("REVOKE UPDATE ON documents FROM pg_monitor")
