"""End the rename: name becomes NOT NULL, and full_name goes.

Deploy it only when no program reads or writes full_name any more. The valid constraint proves that no name
is missing, so SET NOT NULL reads no row and the constraint can go too.

Rollback: full_name and the trigger return, but the column is empty: its own values are lost here. The same
names are in users.name; undoing 0012 copies them back, or run its update by hand. One scan of users checks
the constraint again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

# As in 0011, and on purpose not imported from there: a revision that has run somewhere must never change.
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
    op.alter_column("users", "name", nullable=False)
    op.drop_constraint(op.f("ck_users_name_given"), "users", type_="check")
    op.execute("DROP TRIGGER users_keep_names_equal ON users")
    op.execute("DROP FUNCTION users_keep_names_equal()")
    op.drop_column("users", "full_name")


def downgrade() -> None:
    op.add_column("users", sa.Column("full_name", sa.Text))
    op.execute(KEEP_NAMES_EQUAL)
    op.execute(TRIGGER)
    op.create_check_constraint(op.f("ck_users_name_given"), "users", "name IS NOT NULL")
    op.alter_column("users", "name", nullable=True)
