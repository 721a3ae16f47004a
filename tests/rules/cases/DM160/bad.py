"""Count the totals of today.

Rollback: nothing; the next refresh counts again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("REFRESH MATERIALIZED VIEW order_totals")


def downgrade() -> None:
    pass
