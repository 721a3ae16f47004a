"""Keep vouchers, which are found by their code. The table is new, so nobody waits.

Rollback: drop the table.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table("vouchers", sa.Column("id", sa.BigInteger, primary_key=True), sa.Column("code", sa.Text))
    op.create_index("ix_vouchers_code", "vouchers", ["code"], unique=True)


def downgrade() -> None:
    op.drop_table("vouchers")
