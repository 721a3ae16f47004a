"""Leave the birthday alone, before any application knows of it.

Rollback: add the column again.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.drop_column("users", "birthday")


def downgrade() -> None:
    op.add_column("users", sa.Column("birthday", sa.Date))
