"""Find the orders that are gifts.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_gift", "orders", ["gift"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_gift", "orders", postgresql_concurrently=True)
