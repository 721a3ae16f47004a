"""A table into which no row can be put that a generator would think of.

Rollback: drop it.
"""

from alembic import op


def upgrade() -> None:
    op.execute(
        "CREATE TABLE riddles (text text NOT NULL CHECK (md5(text) = 'd41d8cd98f00b204e9800998ecf8427f'))"
    )


def downgrade() -> None:
    op.drop_table("riddles")
