"""A column for codes without regard to case; codes of documents are unique.

Rollback: drop the columns.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("orders", sa.Column("code_folded", sa.Text))
    op.add_column("documents", sa.Column("code", sa.Text))
    op.create_index("uq_documents_code", "documents", ["code"], unique=True)


def downgrade() -> None:
    op.drop_column("documents", "code")
    op.drop_column("orders", "code_folded")
