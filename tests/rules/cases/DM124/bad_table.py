"""Nobody refunds through us any more.

Rollback: there is none, the refunds are lost.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.drop_table("orders_archive")


def downgrade() -> None:
    op.create_table("orders_archive", sa.Column("id", sa.BigInteger, primary_key=True))
    op.create_foreign_key("fk_orders_archive_id", "orders_archive", "orders", ["id"], ["id"])
