"""Orders outlive their user, whose table is small here: the lock on it passes unnoticed.

Rollback: add the constraint again.
"""

from alembic import op


def upgrade() -> None:
    # dbmigrate: allow DM124 because users is locked for a moment at night, and nothing else is in here
    op.drop_constraint("fk_orders_user_id", "orders")


def downgrade() -> None:
    op.create_foreign_key("fk_orders_user_id", "orders", "users", ["user_id"], ["id"])
