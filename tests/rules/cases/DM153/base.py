"""A second unique index, from which the key can be made anew.

Rollback: drop it.
"""

from alembic import op


def upgrade() -> None:
    op.create_index("uq_documents_id", "documents", ["id"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_documents_id", "documents")
