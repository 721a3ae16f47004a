"""Index users by e-mail address, uniquely, so that sign-in finds its account without a scan; 0016 follows.

Built CONCURRENTLY, hence outside a transaction and alone. Two accounts with one address fail the build and
leave an INVALID index behind, which has to go before the next try:
DROP INDEX CONCURRENTLY uq_users_email;

Rollback: drop the index; nothing is lost.
"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("uq_users_email", "users", ["email"], unique=True, postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("uq_users_email", "users", postgresql_concurrently=True)
