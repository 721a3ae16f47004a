"""Orders have no time of their own.

Rollback: make column, index and view again; the times are lost.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("ALTER TABLE orders DROP COLUMN placed_at CASCADE")


def downgrade() -> None:
    op.add_column("orders", sa.Column("placed_at", sa.DateTime))
    op.create_index("ix_orders_placed_at", "orders", ["placed_at"])
    op.execute("CREATE VIEW open_orders AS SELECT id, user_id, placed_at FROM orders WHERE state = 'open'")
