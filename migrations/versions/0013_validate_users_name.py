"""Check that every user has a name, so that 0014 need not do it under a lock that stops everyone.

VALIDATE reads the whole table while others read and write it.

Rollback: put the constraint back as 0011 left it, NOT VALID; nothing is lost.
"""

from alembic import op

revision = "0013"
down_revision = "0012"

NAME = "ck_users_name_given"


def upgrade() -> None:
    op.execute(f"ALTER TABLE users VALIDATE CONSTRAINT {NAME}")


def downgrade() -> None:
    op.drop_constraint(op.f(NAME), "users", type_="check")
    op.create_check_constraint(op.f(NAME), "users", "name IS NOT NULL", postgresql_not_valid=True)
