"""Mark the orders that are gifts, so that no bill lies in the parcel.

Rollback: drop the column; which order was a gift is lost.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("gift", sa.Boolean))


def downgrade() -> None:
    op.drop_column("orders", "gift")
