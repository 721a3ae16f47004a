"""Where in the file a statement comes from: its operation's line where it shows, else the function's."""

from __future__ import annotations

import pytest

from dbmigrate.domain.places import line_of_function, line_of_statement

SOURCE = '''"""Why."""
from alembic import op


def upgrade() -> None:
    op.add_column("users", make_column("nick"))
    with op.batch_alter_table("posts") as batch:
        batch.drop_column("title")
    for table in ("a", "b"):
        op.create_index(op.f(f"ix_{table}"), table, ["id"])
    op.get_bind().execute(text("UPDATE users SET nick = name"))


def downgrade() -> None:
    pass
'''
SQL = (
    "ALTER TABLE users ADD COLUMN nick text",
    "ALTER TABLE posts DROP COLUMN title",
    "CREATE INDEX ix_a ON a (id)",
    "CREATE INDEX ix_b ON b (id)",
    "UPDATE users SET nick = name",
)


@pytest.mark.parametrize(("statement", "line"), [(1, 6), (2, 8), (5, 11), (None, 5), (9, 5)])
def test_the_line_is_that_of_the_operation(statement: int | None, line: int) -> None:
    assert line_of_statement(SOURCE, SQL, statement) == line


def test_as_many_operations_as_statements_are_counted() -> None:
    source = "def upgrade():\n    op.execute(FIRST)\n    op.execute(SECOND)\n"
    assert [line_of_statement(source, ("SELECT 1", "SELECT 2"), number) for number in (1, 2)] == [2, 3]


def test_what_hides_its_statements_is_named_at_the_function() -> None:
    assert line_of_statement("def upgrade():\n    helper()\n", ("SELECT 1",), 1) == 1
    hidden = "x = 1\n\ndef upgrade():\n    op.execute(A)\n    op.execute(B)\n"
    assert line_of_statement(hidden, ("DROP TABLE t",), 1) == 3


@pytest.mark.parametrize("source", ["", "def upgrade(:", "from x import upgrade", "\0"])
def test_a_file_without_the_function_is_named_at_its_top(source: str) -> None:
    assert line_of_statement(source, ("SELECT 1",), 1) == line_of_function(source, "upgrade") == 1


def test_a_function_is_found_by_its_name() -> None:
    assert line_of_function(SOURCE, "downgrade") == 14
