"""Count the pieces of an order in a second column that is wide enough; op.swap_column_type follows later.

Rollback: drop the second column; quantity holds the same.
"""

from alembic import op


def upgrade() -> None:
    op.expand_column_type("orders", "quantity", "bigint")


def downgrade() -> None:
    op.revert_column_type("orders", "quantity")
