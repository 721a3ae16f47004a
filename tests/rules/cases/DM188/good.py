"""Know when an order arrived.

Rollback: drop the column.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN arrival_confirmed_on date")


def downgrade() -> None:
    op.drop_column("orders", "arrival_confirmed_on")
