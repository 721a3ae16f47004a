"""Find orders by their code. The index fits, but not beside the log, if a replica lags behind.

Rollback: drop the index.
"""

from alembic import op

FREE_BYTES = 4_000_000_000
SEVERITY = "review"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_code", "orders", ["code"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_code", "orders", postgresql_concurrently=True)
