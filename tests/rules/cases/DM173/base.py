"""The visits of the shop, in the time of its clock.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "visits", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("seen_at", sa.DateTime)
    )


def downgrade() -> None:
    op.drop_table("visits")
