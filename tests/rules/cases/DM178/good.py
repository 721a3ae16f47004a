"""Begin the imports anew, and keep the old ones until somebody has looked.

Rollback: give the old table its name again.
"""

from alembic import op


def upgrade() -> None:
    op.rename_table("imports", "imports_before")
    op.execute("CREATE TABLE imports (LIKE imports_before INCLUDING ALL)")


def downgrade() -> None:
    op.drop_table("imports")
    op.rename_table("imports_before", "imports")
