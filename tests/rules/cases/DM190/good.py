"""Find orders by their code. The server was enlarged before.

Rollback: drop the index.
"""

from alembic import op

FREE_BYTES = 42_000_000_000


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_code", "orders", ["code"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_code", "orders", postgresql_concurrently=True)
