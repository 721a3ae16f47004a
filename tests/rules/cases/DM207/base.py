"""Monitors read documents and write them.

Rollback: take it away again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("GRANT SELECT, INSERT ON documents TO pg_monitor")


def downgrade() -> None:
    op.execute("REVOKE ALL ON documents FROM pg_monitor")
