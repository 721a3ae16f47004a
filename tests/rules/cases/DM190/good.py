"""Find orders by their code. The server was enlarged before.

Rollback: drop the index.
"""

from alembic import op

FREE_BYTES = 42_000_000_000


def upgrade() -> None:
    op.create_index_concurrently("ix_orders_code", "orders", ["code"])


def downgrade() -> None:
    op.drop_index_concurrently("ix_orders_code", "orders")
