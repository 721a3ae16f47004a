"""Every document has a language.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.add_column("documents", sa.Column("language", sa.Text))
    op.execute("UPDATE documents SET language = 'en'")
    op.alter_column("documents", "language", nullable=False)


def downgrade() -> None:
    op.drop_column("documents", "language")
