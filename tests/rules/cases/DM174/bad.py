"""No owner has a name of more than fifty letters.

Rollback: let it be longer again.
"""

import sqlalchemy as sa
from alembic import op

SEVERITY = "review"
LEAVES = ["public.documents.owner", "public.documents.ck_documents_owner_length"]


def upgrade() -> None:
    op.alter_column("documents", "owner", type_=sa.String(50))


def downgrade() -> None:
    op.alter_column("documents", "owner", type_=sa.Text)
