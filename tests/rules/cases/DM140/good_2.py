"""The events of 2026 belong to the others; the checks prove it, so nothing is read.

Rollback: detach them.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z')"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE events DETACH PARTITION events_2026")
