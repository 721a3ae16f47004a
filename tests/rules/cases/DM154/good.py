"""Reports read the orders.

Rollback: revoke it.
"""

from alembic import op


def upgrade() -> None:
    op.execute("GRANT SELECT ON orders TO pg_monitor")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON orders FROM pg_monitor")
