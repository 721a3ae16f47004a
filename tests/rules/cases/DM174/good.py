"""No new owner has a name of more than fifty letters.

Rollback: drop the check.
"""

from alembic import op


def upgrade() -> None:
    op.create_check_constraint("ck_owner", "documents", "length(owner) <= 50", postgresql_not_valid=True)


def downgrade() -> None:
    op.drop_constraint("ck_owner", "documents")
