"""Documents are papers; the old application reads and writes them through a view.

Rollback: drop the view and rename it back.
"""

from alembic import op


def upgrade() -> None:
    op.rename_table("documents", "papers")
    op.execute("CREATE VIEW documents AS SELECT * FROM papers")


def downgrade() -> None:
    op.execute("DROP VIEW documents")
    op.rename_table("papers", "documents")
