"""Create analytics_events, a partition a month: an old month then leaves by DETACH, not by a long DELETE.

There is no default partition: attaching the next month would lock and scan it. Events outlive the user whom
they name, hence no foreign key.

Rollback: drop the table with its partitions; every event is lost.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

MONTHS = ["2026-10", "2026-11", "2026-12", "2027-01"]


def upgrade() -> None:
    op.create_table(
        "analytics_events",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("properties", postgresql.JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
        sa.PrimaryKeyConstraint("id", "occurred_at", name="pk_analytics_events"),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index("ix_analytics_events_user_id_occurred_at", "analytics_events", ["user_id", "occurred_at"])
    for first, next_first in zip(MONTHS, MONTHS[1:], strict=False):
        attach_month(first, next_first)


def attach_month(first: str, next_first: str) -> None:
    """Build the month apart and attach it: CREATE TABLE ... PARTITION OF would stop all readers."""
    month = f"analytics_events_{first.replace('-', '_')}"
    op.execute(f"CREATE TABLE {month} (LIKE analytics_events INCLUDING DEFAULTS)")
    op.create_primary_key(f"pk_{month}", month, ["id", "occurred_at"])
    op.create_index(f"ix_{month}_user_id_occurred_at", month, ["user_id", "occurred_at"])
    bounds = f"FROM ('{first}-01T00:00:00Z') TO ('{next_first}-01T00:00:00Z')"
    op.execute(f"ALTER TABLE analytics_events ATTACH PARTITION {month} FOR VALUES {bounds}")


def downgrade() -> None:
    op.drop_table("analytics_events")
