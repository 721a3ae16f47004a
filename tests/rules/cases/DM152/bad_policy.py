"""The owner of a letter does not matter any more.

Rollback: put the policy back.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("DROP POLICY letters_of_the_owner ON letters")


def downgrade() -> None:
    op.execute("CREATE POLICY letters_of_the_owner ON letters USING (owner = current_user)")
