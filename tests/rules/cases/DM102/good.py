"""Invite people by e-mail.

Rollback: drop the invites and their type.
"""

import sqlalchemy as sa
from alembic import op


def upgrade() -> None:
    op.create_table("invites", sa.Column("id", sa.BigInteger, primary_key=True))
    op.execute("CREATE TYPE invite_state AS ENUM ('open', 'used')")


def downgrade() -> None:
    op.execute("DROP TYPE invite_state")
    op.drop_table("invites")
