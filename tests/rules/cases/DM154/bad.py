"""Reports read the orders.

Rollback: revoke it.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("GRANT SELECT ON orders TO PUBLIC")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON orders FROM PUBLIC")
