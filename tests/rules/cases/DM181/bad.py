"""Keep what the scanner says of a document.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.add_column("documents", sa.Column("details", sa.JSON))


def downgrade() -> None:
    op.drop_column("documents", "details")
