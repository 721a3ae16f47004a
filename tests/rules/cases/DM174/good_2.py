"""Check the owners of before.

Rollback: put the check back as it was, NOT VALID.
"""

from alembic import op


def upgrade() -> None:
    op.execute("ALTER TABLE documents VALIDATE CONSTRAINT ck_owner")


def downgrade() -> None:
    op.drop_constraint("ck_owner", "documents")
    op.create_check_constraint("ck_owner", "documents", "length(owner) <= 50", postgresql_not_valid=True)
