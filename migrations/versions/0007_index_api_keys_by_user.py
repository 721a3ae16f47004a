"""Index api_keys by user, so that the key list and the deletion of a user stop scanning the table.

Built CONCURRENTLY, hence outside a transaction and alone: keys can be made and used meanwhile.

Rollback: drop the index; nothing is lost.
"""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_api_keys_user_id", "api_keys", postgresql_concurrently=True)
