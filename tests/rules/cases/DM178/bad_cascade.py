"""Begin the users anew.

Rollback: none.
"""

from alembic import op


def upgrade() -> None:
    op.execute("TRUNCATE users CASCADE")


def downgrade() -> None:
    pass
