"""Build the index that proves that no code belongs to two orders.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("uq_orders_code", "orders", ["code"], unique=True, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("uq_orders_code", "orders", postgresql_concurrently=True)
