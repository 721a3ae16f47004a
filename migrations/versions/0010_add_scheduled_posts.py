"""Add the status 'scheduled', for posts that are ready and wait for their day. No table is locked.

Rollback: build the type anew without the value, which rewrites posts under ACCESS EXCLUSIVE; nothing is
lost. A post that is scheduled by then has no status to go back to: the rollback stops at it and changes
nothing. Make it a draft first:
UPDATE posts SET status = 'draft' WHERE status = 'scheduled';
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("ALTER TYPE post_status ADD VALUE 'scheduled' BEFORE 'published'")


def downgrade() -> None:
    op.execute("ALTER TYPE post_status RENAME TO post_status_with_scheduled")
    op.execute("CREATE TYPE post_status AS ENUM ('draft', 'published')")
    op.execute(
        "ALTER TABLE posts ALTER COLUMN status DROP DEFAULT, "
        "ALTER COLUMN status TYPE post_status USING status::text::post_status, "
        "ALTER COLUMN status SET DEFAULT 'draft'"
    )
    op.execute("DROP TYPE post_status_with_scheduled")
