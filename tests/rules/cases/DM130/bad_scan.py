"""Say how often an order was paid, and check that with the totals.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("users", sa.Column("phone", sa.Text))
    op.execute("INSERT INTO documents (owner, body) SELECT code, state::text FROM orders WHERE quantity > 5")


def downgrade() -> None:
    op.execute("DELETE FROM documents WHERE body IN (SELECT unnest(enum_range(NULL::order_state))::text)")
    op.drop_column("users", "phone")
