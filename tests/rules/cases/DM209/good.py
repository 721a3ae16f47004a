"""An alias will take the place of the nickname, when release 42 runs everywhere.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("users", sa.Column("alias", sa.Text))


def downgrade() -> None:
    op.drop_column("users", "alias")
