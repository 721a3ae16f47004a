"""No owner has a name of more than fifty letters.

Rollback: drop the check.
"""

from alembic import op


def upgrade() -> None:
    op.add_check("ck_owner", "documents", "length(owner) <= 50")


def downgrade() -> None:
    op.drop_constraint("ck_owner", "documents")
