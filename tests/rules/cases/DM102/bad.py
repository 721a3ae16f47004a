"""Invite people by e-mail.

Rollback: drop the invites.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.create_table("invites", sa.Column("id", sa.BigInteger, primary_key=True))
    op.execute("CREATE TYPE invite_state AS ENUM ('open', 'used')")


def downgrade() -> None:
    op.drop_table("invites")
