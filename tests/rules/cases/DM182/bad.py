"""Know when a document was read.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.add_column("documents", sa.Column("read_at", sa.DateTime))


def downgrade() -> None:
    op.drop_column("documents", "read_at")
