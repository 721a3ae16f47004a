"""The books are kept elsewhere.

Rollback: make them again, empty.
"""

from alembic import op


def upgrade() -> None:
    op.execute("DROP SCHEMA books CASCADE")


def downgrade() -> None:
    op.execute("CREATE SCHEMA books")
    op.execute("CREATE TABLE books.accounts (id bigint PRIMARY KEY)")
