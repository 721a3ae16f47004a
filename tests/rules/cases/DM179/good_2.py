"""Find the documents of a user that goes.

Rollback: drop the index.
"""

from alembic import op


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_documents_user_id", "documents", ["user_id"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_documents_user_id", "documents", postgresql_concurrently=True)
