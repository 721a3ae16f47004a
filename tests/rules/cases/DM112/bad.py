"""Find an order by its code without a scan.

Rollback: drop the index.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_orders_code ON orders (code)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_orders_code", "orders", postgresql_concurrently=True)
