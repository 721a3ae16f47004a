"""Drop users.nickname, which nothing reads since release 41.

Rollback: add the column again, empty; its values stand in users.name.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    # dbmigrate: allow DM101, DM201 because nothing reads it since release 41, and users.name holds the same
    op.drop_column("users", "nickname")


def downgrade() -> None:
    op.add_column("users", sa.Column("nickname", sa.Text))
