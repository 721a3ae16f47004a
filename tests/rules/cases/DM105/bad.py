"""add gift"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.add_column("orders", sa.Column("gift", sa.Boolean))


def downgrade() -> None:
    op.drop_column("orders", "gift")
