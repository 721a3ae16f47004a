"""Say of each order in which currency it is.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("currency", sa.Text))


def downgrade() -> None:
    op.drop_column("orders", "currency")
