"""Orders outlive their user.

Rollback: add the constraint again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.drop_constraint("fk_orders_user_id", "orders")


def downgrade() -> None:
    op.create_foreign_key("fk_orders_user_id", "orders", "users", ["user_id"], ["id"])
