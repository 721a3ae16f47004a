"""Know who wrote a document.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.add_column("documents", sa.Column("user_id", sa.BigInteger))
    op.create_foreign_key("fk_user", "documents", "users", ["user_id"], ["id"], postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint("fk_user", "documents")
    op.drop_column("documents", "user_id")
