"""Check the refunds of before, while both tables are read and written.

Rollback: put the constraint back as it was, NOT VALID.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE refunds VALIDATE CONSTRAINT fk_refunds_order_id")


def downgrade() -> None:
    op.drop_constraint("fk_refunds_order_id", "refunds")
    op.create_foreign_key(
        "fk_refunds_order_id", "refunds", "orders", ["order_id"], ["id"], postgresql_not_valid=True
    )
