"""Codes are numbers, in a column of their own.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("code_number", sa.BigInteger))


def downgrade() -> None:
    op.drop_column("orders", "code_number")
