"""No order comes from nowhere.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("origin", sa.Text))
    op.create_check_constraint("ck_origin", "orders", "origin <> ''", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_column("orders", "origin")
