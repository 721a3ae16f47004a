"""Index api_keys by user, so that the key list and the deletion of a user stop scanning the table.

Built CONCURRENTLY: keys can be made and used meanwhile.

Rollback: drop the index; nothing is lost.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_index_concurrently("ix_api_keys_user_id", "api_keys", ["user_id"])


def downgrade() -> None:
    op.drop_index_concurrently("ix_api_keys_user_id", "api_keys")
