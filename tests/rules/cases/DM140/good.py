"""Let the events of 2026 be none of another year, and the DEFAULT partition hold none of theirs.

Rollback: drop the checks.
"""

from alembic import op

YEAR = "at >= '2026-01-01Z' AND at < '2027-01-01Z'"


def upgrade() -> None:
    op.execute(f"ALTER TABLE events_2026 ADD CONSTRAINT ck_events_2026_at CHECK ({YEAR}) NOT VALID")
    op.execute(
        f"ALTER TABLE events_default ADD CONSTRAINT ck_events_default_at CHECK (NOT ({YEAR})) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint("ck_events_default_at", "events_default")
    op.drop_constraint("ck_events_2026_at", "events_2026")
