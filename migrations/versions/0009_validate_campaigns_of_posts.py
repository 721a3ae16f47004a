"""Check the campaigns of the posts that existed before 0008, while both tables are read and written.

A post that names a vanished campaign fails this revision, and nothing is changed:
UPDATE posts SET campaign_id = NULL WHERE campaign_id NOT IN (SELECT id FROM campaigns);

Rollback: put the constraint back as 0008 left it, NOT VALID; nothing is lost.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

NAME = "fk_posts_campaign_id_campaigns"


def upgrade() -> None:
    op.execute(f"ALTER TABLE posts VALIDATE CONSTRAINT {NAME}")


def downgrade() -> None:
    op.drop_constraint(NAME, "posts", type_="foreignkey")
    op.create_foreign_key(
        NAME, "posts", "campaigns", ["campaign_id"], ["id"], ondelete="SET NULL", postgresql_not_valid=True
    )
