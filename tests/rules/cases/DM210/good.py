"""Users have a pseudonym as well.

Rollback: drop the column.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column("users", sa.Column("pseudonym", sa.Text))


def downgrade() -> None:
    op.drop_column("users", "pseudonym")
