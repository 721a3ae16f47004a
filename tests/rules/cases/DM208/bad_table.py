"""Documents are papers.

Rollback: rename it back.
"""

from alembic import op

LEAVES = [
    "public.documents.body",
    "public.documents.id",
    "public.documents.owner",
    "public.documents.written_at",
    "public.documents",
    "public.documents",
]


def upgrade() -> None:
    op.rename_table("documents", "papers")


def downgrade() -> None:
    op.rename_table("papers", "documents")
