"""Find orders by their code. The index needs more room than the server has.

Rollback: drop the index.
"""

from alembic import op

FREE_BYTES = 1_500_000_000


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_code", "orders", ["code"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_code", "orders", postgresql_concurrently=True)
