"""Monitors only read.

Rollback: grant it again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("REVOKE INSERT ON documents FROM pg_monitor")


def downgrade() -> None:
    op.execute("GRANT INSERT ON documents TO pg_monitor")
