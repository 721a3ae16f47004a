"""Check the events of before, while they are read and written.

Rollback: put the checks back as they were, NOT VALID.
"""

from alembic import op

YEAR = "at >= '2026-01-01Z' AND at < '2027-01-01Z'"


def upgrade() -> None:
    op.execute("ALTER TABLE events_2026 VALIDATE CONSTRAINT ck_events_2026_at")
    op.execute("ALTER TABLE events_default VALIDATE CONSTRAINT ck_events_default_at")


def downgrade() -> None:
    op.drop_constraint("ck_events_default_at", "events_default")
    op.drop_constraint("ck_events_2026_at", "events_2026")
    op.execute(f"ALTER TABLE events_2026 ADD CONSTRAINT ck_events_2026_at CHECK ({YEAR}) NOT VALID")
    op.execute(
        f"ALTER TABLE events_default ADD CONSTRAINT ck_events_default_at CHECK (NOT ({YEAR})) NOT VALID"
    )
