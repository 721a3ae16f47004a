"""Give documents a key with a fresh index, in one statement, so that it is never without one.

Rollback: build the key and the index as they were.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "ALTER TABLE documents DROP CONSTRAINT pk_documents, "
        "ADD CONSTRAINT pk_documents_id PRIMARY KEY USING INDEX uq_documents_id"
    )


def downgrade() -> None:
    op.drop_constraint("pk_documents_id", "documents")
    op.create_primary_key("pk_documents", "documents", ["id"])
    op.create_index("uq_documents_id", "documents", ["id"], unique=True)
