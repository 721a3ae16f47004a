"""A place for the events of 2027.

Rollback: drop it.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "CREATE TABLE events_2027 PARTITION OF events FOR VALUES FROM ('2027-01-01Z') TO ('2028-01-01Z')"
    )


def downgrade() -> None:
    op.drop_table("events_2027")
