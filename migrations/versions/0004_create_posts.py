"""Create campaigns, and the posts that users write for them or alone.

An import brings posts before their campaigns, so campaign_id is not yet a foreign key: see 0008.

Rollback: drop both tables and the status type; every campaign and post is lost.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

TO_USER = {"columns": ["user_id"], "refcolumns": ["users.id"], "ondelete": "CASCADE"}


def upgrade() -> None:
    op.execute("CREATE TYPE post_status AS ENUM ('draft', 'published')")
    create_campaigns()
    create_posts()


def create_campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.ForeignKeyConstraint(name="fk_campaigns_user_id_users", **TO_USER),
    )
    op.create_index("ix_campaigns_user_id", "campaigns", ["user_id"])


def create_posts() -> None:
    status = postgresql.ENUM(name="post_status", create_type=False)
    op.create_table(
        "posts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("campaign_id", sa.BigInteger),
        sa.Column("status", status, nullable=False, server_default="draft"),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.ForeignKeyConstraint(name="fk_posts_user_id_users", **TO_USER),
    )
    op.create_index("ix_posts_user_id", "posts", ["user_id"])
    op.create_index("ix_posts_campaign_id", "posts", ["campaign_id"])


def downgrade() -> None:
    op.drop_table("posts")
    op.drop_table("campaigns")
    op.execute("DROP TYPE post_status")
