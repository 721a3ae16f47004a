"""Promise that an e-mail address has one account, by a constraint that takes 0015's index and reads no row.

Rollback: the constraint takes its index with it, so another is built first and then given its name. Writers
of users wait for that build (seconds per million users); nothing is lost.
"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE USING INDEX uq_users_email")


def downgrade() -> None:
    op.create_index("uq_users_email_next", "users", ["email"], unique=True)
    op.drop_constraint("uq_users_email", "users", type_="unique")
    op.execute("ALTER INDEX uq_users_email_next RENAME TO uq_users_email")
