"""Say of orders who changed them last.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("changed_by", sa.Text))


def downgrade() -> None:
    op.drop_column("orders", "changed_by")
