"""A schema for the bills.

Rollback: drop it.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE SCHEMA billing")


def downgrade() -> None:
    op.execute("DROP SCHEMA billing")
