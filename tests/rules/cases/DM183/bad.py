"""Know the country of a user.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "note"


def upgrade() -> None:
    op.add_column("users", sa.Column("country", sa.CHAR(2)))


def downgrade() -> None:
    op.drop_column("users", "country")
