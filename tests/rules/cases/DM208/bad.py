"""A nickname is an alias.

Rollback: rename it back.
"""

from alembic import op

LEAVES = [
    "public.users.nickname",
    "function public.zz_db_migrate_users_nickname_alias()",
    "public.zz_db_migrate_users_nickname_alias()",
    "public.users.zz_db_migrate_users_nickname_alias",
]


def upgrade() -> None:
    op.alter_column("users", "nickname", new_column_name="alias")


def downgrade() -> None:
    op.alter_column("users", "alias", new_column_name="nickname")
