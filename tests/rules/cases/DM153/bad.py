"""Nothing refers to a document by number.

Rollback: build the key again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.drop_constraint("pk_documents", "documents")


def downgrade() -> None:
    op.create_primary_key("pk_documents", "documents", ["id"])
