"""Measurements by year, without a DEFAULT partition.

Rollback: drop them.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "CREATE TABLE measurements (at timestamptz NOT NULL, value float NOT NULL) PARTITION BY RANGE (at)"
    )
    op.execute(
        "CREATE TABLE measurements_2025 PARTITION OF measurements "
        "FOR VALUES FROM ('2025-01-01Z') TO ('2026-01-01Z')"
    )


def downgrade() -> None:
    op.drop_table("measurements")
