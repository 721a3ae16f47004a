"""Take the measurements of 2025 out, to be archived.

Rollback: attach them again.
"""

from alembic import op

SEVERITY = "review"
LEAVES = ["public.measurements_2025.measurements_2025_at_check"]


def upgrade() -> None:
    op.execute("ALTER TABLE measurements DETACH PARTITION measurements_2025")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE measurements ATTACH PARTITION measurements_2025 "
        "FOR VALUES FROM ('2025-01-01Z') TO ('2026-01-01Z')"
    )
