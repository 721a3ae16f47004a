"""Index users by e-mail address, uniquely, so that sign-in finds its account without a scan; 0016 follows.

Built CONCURRENTLY: people can sign up and change their address meanwhile. Two accounts with one address fail
the build, and nothing of it remains.

Rollback: drop the index; nothing is lost.
"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index_concurrently("uq_users_email", "users", ["email"], unique=True)


def downgrade() -> None:
    op.drop_index_concurrently("uq_users_email", "users")
