"""Take the measurements of 2025 out, to be archived.

Rollback: attach them again.
"""

from alembic import op


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE measurements DETACH PARTITION measurements_2025 CONCURRENTLY")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE measurements ATTACH PARTITION measurements_2025 "
        "FOR VALUES FROM ('2025-01-01Z') TO ('2026-01-01Z')"
    )
    op.drop_constraint("measurements_2025_at_check", "measurements_2025")
