"""Let the events of 2026 be none of another year, and the DEFAULT partition hold none of theirs.

Rollback: drop the checks.
"""

from alembic import op

YEAR = "at >= '2026-01-01Z' AND at < '2027-01-01Z'"


def upgrade() -> None:
    op.add_check("ck_events_2026_at", "events_2026", YEAR)
    op.add_check("ck_events_default_at", "events_default", f"NOT ({YEAR})")


def downgrade() -> None:
    op.drop_constraint("ck_events_default_at", "events_default")
    op.drop_constraint("ck_events_2026_at", "events_2026")
