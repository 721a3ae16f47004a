"""Write invoices for orders.

Rollback: drop them.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("order_id", sa.BigInteger, nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("invoices")
