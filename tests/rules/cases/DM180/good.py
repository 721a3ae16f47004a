"""Remember what was searched for.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "searches",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("text", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("searches")
