"""A nickname is an alias, under both names until release 42 runs everywhere.

Rollback: drop the new name; nickname holds the same.
"""

from alembic import op


def upgrade() -> None:
    op.expand_column_rename("users", "nickname", "alias")


def downgrade() -> None:
    op.revert_column_rename("users", "nickname", "alias")
