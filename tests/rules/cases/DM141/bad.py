"""A place for the measurements of 2026.

Rollback: drop it.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE measurements_2026 PARTITION OF measurements "
        "FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z')"
    )


def downgrade() -> None:
    op.drop_table("measurements_2026")
