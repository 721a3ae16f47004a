"""The books.

Rollback: drop them.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE SCHEMA books")
    op.execute("CREATE TABLE books.accounts (id bigint PRIMARY KEY)")


def downgrade() -> None:
    op.execute("DROP TABLE books.accounts")
    op.execute("DROP SCHEMA books")
