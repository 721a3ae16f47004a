"""No order is for nothing.

Rollback: drop the check.
"""

from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.create_check_constraint("ck_quantity", "orders", "quantity > 0", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint("ck_quantity", "orders")
