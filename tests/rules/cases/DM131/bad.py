"""Say of everything who changed it last.

Rollback: drop the columns.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    for table in ("users", "orders", "refunds"):
        op.add_column(table, sa.Column("changed_by", sa.Text))


def downgrade() -> None:
    for table in ("users", "orders", "refunds"):
        op.drop_column(table, "changed_by")
