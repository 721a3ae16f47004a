"""Find orders by their code. The index leaves little room for what is written meanwhile.

Rollback: drop the index.
"""

from alembic import op

FREE_BYTES = 10_000_000_000
SEVERITY = "review"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_code", "orders", ["code"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_code", "orders", postgresql_concurrently=True)
