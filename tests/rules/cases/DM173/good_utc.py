"""Say of a visit at which moment it was, on a server that lives in UTC.

Rollback: take the zone away again.
"""

import sqlalchemy as sa
from alembic import op

LIVE_TIME_ZONE = "UTC"


def upgrade() -> None:
    op.alter_column("visits", "seen_at", type_=sa.DateTime(timezone=True))


def downgrade() -> None:
    op.alter_column("visits", "seen_at", type_=sa.DateTime)
