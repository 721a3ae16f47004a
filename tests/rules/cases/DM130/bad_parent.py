"""Write an invoice for every order of before.

Rollback: drop them.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table(
        "invoices", sa.Column("order_id", sa.BigInteger, sa.ForeignKey("orders.id"), primary_key=True)
    )
    op.execute("INSERT INTO invoices SELECT id FROM orders")


def downgrade() -> None:
    op.drop_table("invoices")
