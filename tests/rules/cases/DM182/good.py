"""Know when a document was read.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("documents", sa.Column("read_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("documents", "read_at")
