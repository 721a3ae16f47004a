"""Keep the totals of before while they are changed.

Rollback: drop the column, when the revision after it is undone.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("total_before", sa.Numeric(10, 2)))


def downgrade() -> None:
    op.drop_column("orders", "total_before")
