"""Write bills.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "bills", sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True), schema="billing"
    )


def downgrade() -> None:
    op.drop_table("bills", schema="billing")
