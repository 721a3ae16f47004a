"""What was imported last.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "imports", sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True), sa.Column("line", sa.Text)
    )


def downgrade() -> None:
    op.drop_table("imports")
