"""Nobody writes letters.

Rollback: make the table again, empty.
"""

from alembic import op

SEVERITY = "review"


def upgrade() -> None:
    op.drop_table("letters")


def downgrade() -> None:
    op.execute("CREATE TABLE letters (id bigint GENERATED ALWAYS AS IDENTITY, owner text NOT NULL)")
    op.create_primary_key("pk_letters", "letters", ["id"])
    op.execute("ALTER TABLE letters ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY letters_of_the_owner ON letters USING (owner = current_user)")
