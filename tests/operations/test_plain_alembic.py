"""Safe operations under `alembic upgrade`, with the project's own env.py: a process that is killed, another
that goes on, and the script that --sql writes."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from tests.adapters.project import connected, rows, until
from tests.operations.running import shape, sql

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", transaction_per_migration={each})
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine({url!r}, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, transaction_per_migration={each})
        with context.begin_transaction():
            context.run_migrations()
"""
FIRST = '''"""Tables."""
from alembic import op
revision, down_revision = "r1", None

def upgrade():
    op.execute("CREATE TABLE p (id int PRIMARY KEY)")
    op.execute("CREATE TABLE t (id int PRIMARY KEY, n int, p int)")
    op.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 50) i")

def downgrade():
    op.drop_table("t")
    op.drop_table("p")
'''
SECOND = '''"""Every operation of ours, then one of Alembic's."""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "r2", "r1"

def upgrade():
    op.add_check("t_n", "t", "n % 100 < 99 AND 'a:b' <> ''")
    op.set_not_null("t", "n")
    op.add_column_with_default("t", sa.Column("u", sa.Uuid, nullable=False), "gen_random_uuid()")
    op.add_foreign_key("t_p", "t", "p", ["p"], ["id"])
    op.create_index_concurrently("t_i", "t", ["n"], where="n > 10")
    op.add_unique("t_u", "t", ["n"])
    op.add_column("t", sa.Column("last", sa.Integer))

def downgrade():
    op.drop_column("t", "last")
    op.drop_constraint("t_u", "t")
    op.drop_index_concurrently("t_i", "t")
    op.drop_constraint("t_p", "t")
    op.drop_column("t", "u")
    op.alter_column("t", "n", nullable=True)
    op.drop_constraint("t_n", "t")
'''


def project(folder: Path, url: str, each: bool = True) -> Config:
    """An Alembic project as anybody has it."""
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV.format(url=url, each=each))
    (folder / "versions" / "r1.py").write_text(FIRST)
    (folder / "versions" / "r2.py").write_text(SECOND)
    (folder / "alembic.ini").write_text(f"[alembic]\nscript_location = {folder}\n")
    return Config(str(folder / "alembic.ini"))


def address(url: str, driver: str) -> str:
    return url.replace("postgresql://", f"postgresql+{driver}://")


@pytest.mark.parametrize("each", [True, False])
@pytest.mark.parametrize("driver", ["pg8000", "psycopg"])
def test_up_down_and_up_again(tmp_path: Path, database: str, driver: str, each: bool) -> None:
    config = project(tmp_path / "p", address(database, driver), each)
    command.upgrade(config, "head")
    up = shape(database)
    names = [line[2] for line in up if line[0] == "constraint"]
    assert {"t_n", "t_p", "t_u"} < set(names)
    assert ("column", "public.t", "last", "integer false ") in up
    command.downgrade(config, "r1")
    assert [line[2] for line in shape(database) if line[1] == "public.t"] == ["id", "n", "p"]
    command.upgrade(config, "head")
    assert shape(database) == up


@pytest.mark.parametrize("driver", ["pg8000", "psycopg"])
def test_a_process_that_was_killed_is_gone_on_with(tmp_path: Path, database: str, driver: str) -> None:
    """Once at a lock, and once in a build that an old snapshot holds up: that one goes on in the server."""
    config = project(tmp_path / "p", address(database, driver))
    command.upgrade(config, "r1")
    with connected(database) as writer:
        writer.run("BEGIN")
        writer.run("INSERT INTO p VALUES (1)")
        started = upgrade_apart(tmp_path / "p")
        blocked = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        until(lambda: rows(database, f"{blocked} AND query LIKE 'ALTER TABLE t ADD CONSTRAINT t_p%'"))
        kill(started)
        writer.run("ROLLBACK")
        writer.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        writer.run("SELECT count(*) FROM p")
        started = upgrade_apart(tmp_path / "p")
        until(lambda: rows(database, "SELECT 1 FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'"))
        kill(started)
        writer.run("ROLLBACK")
    assert rows(database, "SELECT version_num FROM alembic_version") == [("r1",)]
    told = rows(database, "SELECT operation, name, finished FROM dbmigrate.work ORDER BY id")
    assert told[-2:] == [("add_foreign_key", "t_p", True), ("create_index_concurrently", "t_i", False)]
    assert upgrade_apart(tmp_path / "p").wait(60) == 0
    killed = shape(database)
    command.downgrade(config, "r1")
    command.upgrade(config, "head")
    assert killed == shape(database)


def upgrade_apart(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "alembic", "-c", str(folder / "alembic.ini"), "upgrade", "head"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_alembic_finds_them_by_itself() -> None:
    [found] = [each for each in entry_points(group="alembic.plugins") if each.name == "db-migrate"]
    assert found.value == "dbmigrate.adapters.operations.plugin"
    code = "from alembic import op; op.add_unique, op.set_not_null, op.backfill"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_script_says_the_same_steps(tmp_path: Path, database: str) -> None:
    config = project(tmp_path / "p", address(database, "pg8000"))
    script = written(config, "head")
    assert "CREATE INDEX CONCURRENTLY t_i ON t (n) WHERE n > 10;" in script
    assert "CHECK (n % 100 < 99 AND 'a:b' <> '')" in script
    assert "dbmigrate" not in script
    short = re.findall(r"BEGIN;\s+SET LOCAL lock_timeout = (?:100|50);\s+(.*?)\s+COMMIT;", script, re.DOTALL)
    assert [step.split("CONSTRAINT ")[-1].split(" ")[0] for step in short if "NOT VALID" in step] == [
        "t_n",
        "db_migrate_n_not_null",
        "db_migrate_u_not_null",
        "t_p",
    ]
    run_script(database, script)
    by_script = shape(database)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    assert by_script == shape(database)


def written(config: Config, to: str) -> str:
    config.output_buffer = io.StringIO()
    command.upgrade(config, to, sql=True)
    return str(config.output_buffer.getvalue())


def run_script(url: str, script: str) -> None:
    """As psql does it: statement by statement, each on its own where no transaction is open."""
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    sql(url, *(part for part in (piece.strip() for piece in lines.split(";\n")) if part))
