"""Weigh an order for the parcel service.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("weight", sa.Integer))


def downgrade() -> None:
    op.drop_column("orders", "weight")
