"""Find the documents of a user that goes.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    op.create_index_concurrently("ix_documents_user_id", "documents", ["user_id"])


def downgrade() -> None:
    op.drop_index_concurrently("ix_documents_user_id", "documents")
