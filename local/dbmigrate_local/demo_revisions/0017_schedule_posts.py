"""Add the moment at which a scheduled post goes out, for the calendar that the next release brings.

Rollback: drop the column; the planned moments are lost, the posts stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("posts", sa.Column("scheduled_for", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("posts", "scheduled_for")
