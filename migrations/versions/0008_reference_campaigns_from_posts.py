"""Let new posts name only campaigns that exist, so that a report never counts a post of none.

NOT VALID: the rows of today are checked by the next revision. A checking foreign key would stop the writers
of both tables while it reads them.

Rollback: drop the constraint; nothing is lost.
"""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_foreign_key(
        "fk_posts_campaign_id_campaigns",
        "posts",
        "campaigns",
        ["campaign_id"],
        ["id"],
        ondelete="SET NULL",
        postgresql_not_valid=True,
    )


def downgrade() -> None:
    op.drop_constraint("fk_posts_campaign_id_campaigns", "posts", type_="foreignkey")
