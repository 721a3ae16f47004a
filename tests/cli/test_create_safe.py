"""`create --safe`: revisions that are complete, pass validate, and run up, down and up on a real server."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from tests.cli.cases import query, run, write_revision
from tests.cli.conftest import Run

from dbmigrate.adapters.history import load_history
from dbmigrate_cli.commands.create import SAFE
from dbmigrate_cli.safe_files import COMMANDS, EXAMPLES, filled
from dbmigrate_cli.safe_words import Draft

TABLES = """op.execute('''CREATE TABLE users (id bigint PRIMARY KEY, email text, full_name text, visits int);
    CREATE TABLE posts (id bigint PRIMARY KEY, author_id bigint, title text);
    CREATE INDEX ix_posts_title ON posts (title);
    INSERT INTO users SELECT n, n || '@example.com', 'user ' || n, n FROM generate_series(1, 50) n;
    INSERT INTO posts SELECT n, n, 'post ' || n FROM generate_series(1, 50) n''')"""
CASES = {
    "create-index": "posts author_id title --unique --where 'title IS NOT NULL' --include id",
    "drop-index": "posts ix_posts_title title",
    "add-foreign-key": "posts author_id users id --on-delete CASCADE",
    "add-check": "users 'visits >= 0' --name visits_counted",
    "add-unique": "users email",
    "set-not-null": "users email",
    "add-column": "users token uuid --default 'gen_random_uuid()' --not-null",
    "backfill": "users 'visits = coalesce(visits, 0) + 1' --where 'visits > 10'",
    "change-type": "users visits bigint --from integer",
    "rename-column": "users full_name name",
}
FILES = {"change-type": 3, "rename-column": 2}
# Values that were overwritten; a column that comes back stands last.
NOT_LOSSLESS = {"backfill", "change-type", "rename-column"}


OWN_TEMPLATE_FILLED = '''"""Add x.

Why.

Rollback: drop it.
"""
from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "1"  # ours


def upgrade():
    op.add_column("t", sa.Column("x", postgresql.JSONB()))


def downgrade():
    pass
'''


@pytest.fixture
def tables(history: Path) -> Path:
    write_revision(history, "0004", "0003", TABLES, 'op.execute("DROP TABLE posts; DROP TABLE users")')
    return history


def safe(*arguments: str) -> list[Path]:
    answer = run("--format", "json", "create", "--safe", *arguments)
    assert answer.code == 0, answer.err
    return [Path(path) for path in answer.json["paths"]]


words = shlex.split


@pytest.mark.parametrize("operation", CASES)
def test_what_is_written_runs_up_down_and_up(
    operation: str, tables: Path, db_migrate: Run, database: str
) -> None:
    assert db_migrate("deploy").code == 0
    paths = safe(operation, *words(CASES[operation]))
    assert len(paths) == FILES.get(operation, 1)
    for text in (path.read_text() for path in paths):
        assert "Rollback: " in text.split('"""')[1] and "pass\n\n\n" not in text
    report = db_migrate("--format", "json", "validate")
    assert report.code == 0, report.out + report.err
    assert report.json["verdict"] in ("pass", "review")
    assert report.json["reversible"] or operation in NOT_LOSSLESS
    for command in (["deploy"], ["rollback", "--to", "0004"], ["deploy"]):
        answer = db_migrate(*command)
        assert answer.code == 0, answer.out + answer.err
    assert db_migrate("--format", "json", "check").json["drift"] == []
    assert query(database, "SELECT count(*) FROM users") == [[50]]


def test_every_operation_is_tested_listed_and_has_an_example_that_works(tables: Path) -> None:
    assert CASES.keys() == SAFE.keys() == COMMANDS.keys() == EXAMPLES.keys()
    told = run("create", "--help").out
    for operation, example in EXAMPLES.items():
        assert f"  {operation}" in told
        assert safe(*words(example.partition("--safe ")[2]))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create-index", "posts"], "Missing argument 'COLUMNS...'"),
        (["add-column", "users", "x", "unheard"], "'unheard' is no type"),
        (["add-column", "users", "x", "bigint(3)"], "is no type"),
        (["add-column", "users", "x", "text", "--not-null"], "needs a --default"),
        (["add-foreign-key", "posts", "a,b", "users", "id"], "not as many columns"),
        (["backfill", "users", "email"], "assigns nothing"),
        (["set-not-null", "users", "email", "--gently"], "No such option"),
    ],
)
def test_a_usage_error_shows_an_example(arguments: list[str], said: str, tables: Path) -> None:
    answer = run("create", "--safe", *arguments)
    assert answer.code == 2 and said in answer.err
    assert EXAMPLES[arguments[0]] in answer.err
    assert len(list((tables / "versions").glob("*.py"))) == 4


def test_an_operation_that_there_is_not_and_options_without_one(tables: Path) -> None:
    unknown = run("create", "--safe", "make-it-fast", "users")
    assert unknown.code == 2 and "add-foreign-key" in unknown.err
    assert run("create", "--safe", "add-unique", "--autogenerate", "users", "email").code == 2
    stray = run("create", "add a thing", "--unique")
    assert stray.code == 2 and "--unique" in stray.err


def test_names_are_postgresqls_or_the_conventions(tables: Path) -> None:
    (unique,) = safe("add-unique", "users", "email")
    (key,) = safe("add-foreign-key", "posts", "author_id", "users")
    assert '"users_email_key"' in unique.read_text() and '"posts_author_id_fkey"' in key.read_text()
    convention = {
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(column_0_label)s",
    }
    (tables / "naming_convention.json").write_text(json.dumps(convention))
    (unique,), (key,) = (
        safe("add-unique", "users", "email"),
        safe("add-foreign-key", "posts", "author_id", "users"),
    )
    (check,) = safe("add-check", "users", "visits > 0", "--name", "counted")
    (index,) = safe("create-index", "posts", "title")
    assert 'op.f("uq_users_email")' in unique.read_text() and '"ix_posts_title"' in index.read_text()
    assert '"fk_posts_author_id_users"' in key.read_text()
    assert check.read_text().count('"ck_users_counted"') == 2


def test_a_constant_default_is_no_work_and_a_passing_one_is(tables: Path) -> None:
    for default in ("0", "'it''s'", "now()", "false", "'{}'::jsonb"):
        (path,) = safe("add-column", "users", "x", "text", "--default", default)
        assert "op.add_column(" in path.read_text()
    (path,) = safe("add-column", "users", "x", "double precision", "--default", "random()")
    assert 'op.add_column_with_default("users", sa.Column("x", sa.Double()), "random()")' in path.read_text()


def test_several_files_follow_each_other(tables: Path) -> None:
    paths = safe(
        "change-type", "users", "visits", "numeric(12, 2)", "--from", "integer", "--schema", "public"
    )
    history = load_history(tables)
    assert [path.name[:4] for path in paths] == ["0005", "0006", "0007"] and history.head == "0007"
    assert "sa.Numeric(12, 2)" in paths[0].read_text() and 'schema="public"' in paths[2].read_text()


def test_the_own_template_is_kept(tables: Path) -> None:
    draft = Draft(
        "add x", "Why.", "drop it.", 'op.add_column("t", sa.Column("x", postgresql.JSONB()))', "pass"
    )
    text = filled(
        '"""m"""\nfrom alembic import op\n\nrevision = "1"  # ours\n\n\ndef upgrade():\n    pass\n\n\n'
        "def downgrade():\n    raise NotImplementedError\n",
        draft,
    )
    assert text == OWN_TEMPLATE_FILLED


def test_a_template_without_the_two_functions_is_refused(tables: Path) -> None:
    (tables / "script.py.mako").write_text("revision = ${repr(up_revision)}\ndown_revision = '0004'\n")
    answer = run("create", "--safe", "add-unique", "users", "email")
    assert answer.code == 2 and "without upgrade() or downgrade()" in answer.err
    assert len(list((tables / "versions").glob("*.py"))) == 4


def test_the_name_that_is_given_is_the_name(tables: Path) -> None:
    (path,) = safe("add-check", "users", "visits > 0", "--name", "counted")
    assert 'op.add_check("counted", "users", "visits > 0")' in path.read_text()
    assert 'op.drop_constraint("counted", "users", type_="check")' in path.read_text()
