"""An archive that refers to the orders.

Rollback: drop it.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table("orders_archive", sa.Column("id", sa.BigInteger, primary_key=True))
    op.create_foreign_key("fk_orders_archive_id", "orders_archive", "orders", ["id"], ["id"])


def downgrade() -> None:
    op.drop_table("orders_archive")
