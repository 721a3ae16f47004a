"""Say of a visit at which moment it was; the times are in UTC.

Rollback: take the zone away again.
"""

import sqlalchemy as sa
from alembic import op

LIVE_TIME_ZONE = "Europe/Berlin"


def upgrade() -> None:
    op.execute("SET LOCAL TIME ZONE 'UTC'")
    op.alter_column("visits", "seen_at", type_=sa.DateTime(timezone=True))


def downgrade() -> None:
    op.execute("SET LOCAL TIME ZONE 'UTC'")
    op.alter_column("visits", "seen_at", type_=sa.DateTime)
