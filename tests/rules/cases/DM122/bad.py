"""Say who recommended a user, who is a user as well.

Rollback: drop the column.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN gift_for bigint REFERENCES users")


def downgrade() -> None:
    op.drop_column("orders", "gift_for")
