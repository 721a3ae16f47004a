"""Remember when an order was seen, and how often.

Rollback: drop the columns.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.func.now()))
    op.add_column("orders", sa.Column("views", sa.BigInteger, server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("orders", "views")
    op.drop_column("orders", "seen_at")
