"""Everyone sees only the own documents.

Rollback: everyone sees all again.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.execute("ALTER TABLE documents ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE documents DISABLE ROW LEVEL SECURITY")
