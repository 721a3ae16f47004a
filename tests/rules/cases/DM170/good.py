"""Give every order a token for links.

Rollback: drop the column; no link was sent yet.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.add_column_with_default("orders", sa.Column("token", sa.Uuid), "gen_random_uuid()")


def downgrade() -> None:
    op.drop_column("orders", "token")
