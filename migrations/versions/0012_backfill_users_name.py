"""Give every user of today a name: the old full name, else the first part of the e-mail address.

In batches by key, each committed at once, so that no row stays locked for longer than its batch. After an
interruption the revision goes on behind the last batch.

Rollback: copy name back to full_name where that is empty, as undoing 0014 leaves it; nothing is lost.
"""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.backfill("users", {"name": "coalesce(full_name, split_part(email, '@', 1))"}, "name IS NULL")


def downgrade() -> None:
    op.backfill("users", {"full_name": "name"}, "full_name IS NULL")
