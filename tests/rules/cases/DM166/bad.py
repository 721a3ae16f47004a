"""Mark the riddles that nobody can solve.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.add_column("riddles", sa.Column("solved", sa.Boolean))


def downgrade() -> None:
    op.drop_column("riddles", "solved")
