"""Everyone sees only the own documents.

Rollback: everyone sees all again.
"""

from alembic import op


def upgrade() -> None:
    op.execute("CREATE POLICY documents_of_the_owner ON documents USING (owner = current_user)")
    # dbmigrate: allow DM152 because the application's queries were tried as its role on staging
    op.execute("ALTER TABLE documents ENABLE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.execute("ALTER TABLE documents DISABLE ROW LEVEL SECURITY")
    op.execute("DROP POLICY documents_of_the_owner ON documents")
