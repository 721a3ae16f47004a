"""Readings, whose partitions a job makes.

Rollback: drop the table.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE TABLE readings (at timestamptz NOT NULL, value numeric) PARTITION BY RANGE (at)")


def downgrade() -> None:
    op.drop_table("readings")
