"""Mark the orders that are gifts, and find them.

Rollback: drop the column with its index.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("gift", sa.Boolean))
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_gift", "orders", ["gift"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_column("orders", "gift")
