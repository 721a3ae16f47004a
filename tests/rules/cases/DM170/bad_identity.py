"""Number the documents.

Rollback: drop the column.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE documents ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY")


def downgrade() -> None:
    op.drop_column("documents", "number")
