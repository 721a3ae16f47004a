"""Try a column for the birthday.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("users", sa.Column("birthday", sa.Date))


def downgrade() -> None:
    op.drop_column("users", "birthday")
