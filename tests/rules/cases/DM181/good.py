"""Keep what the scanner says of a document.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB


def upgrade() -> None:
    op.add_column("documents", sa.Column("details", JSONB))


def downgrade() -> None:
    op.drop_column("documents", "details")
