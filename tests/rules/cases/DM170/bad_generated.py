"""Keep the length of a document.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("documents", sa.Column("length", sa.Integer, sa.Computed("length(body)", persisted=True)))


def downgrade() -> None:
    op.drop_column("documents", "length")
