"""Begin to rename users.full_name to name, which every user will have.

A plain RENAME would break the code that runs meanwhile. Expand: from here both columns exist and a trigger
keeps them equal, whichever of them a program writes. Who gave no name is called by the first part of the
e-mail address. The constraint promises it for new rows; 0013 checks the old ones.

Rollback: drop trigger and column; nothing is lost, because full_name holds the same names.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

KEEP_NAMES_EQUAL = """
CREATE FUNCTION users_keep_names_equal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IS DISTINCT FROM OLD.name THEN
        NEW.full_name := NEW.name;
    ELSE
        NEW.name := coalesce(NEW.full_name, NEW.name, split_part(NEW.email, '@', 1));
    END IF;
    RETURN NEW;
END
$$
"""
TRIGGER = """
CREATE TRIGGER users_keep_names_equal BEFORE INSERT OR UPDATE ON users
FOR EACH ROW EXECUTE FUNCTION users_keep_names_equal()
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("name", sa.Text))
    op.create_check_constraint(
        op.f("ck_users_name_given"), "users", "name IS NOT NULL", postgresql_not_valid=True
    )
    op.execute(KEEP_NAMES_EQUAL)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER users_keep_names_equal ON users")
    op.execute("DROP FUNCTION users_keep_names_equal()")
    op.drop_column("users", "name")
