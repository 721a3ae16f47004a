"""`stop`: a deploy in another terminal ends, whatever it is at, and what is said of the database is true."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
from tests.adapters.project import connected, rows, until
from tests.cli.cases import Answer, query, run, tables, write_revision

from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.database import Endpoint
from dbmigrate_local.embedded import EmbeddedPostgres

BIN = Path(sys.executable).parent
CONCURRENTLY = """with op.get_context().autocommit_block():
        op.create_index("ix_t1_id", "t1", ["id"], postgresql_concurrently=True)"""
SLEEP = 'op.execute("SELECT pg_sleep(120)")'
IN_A_TRANSACTION = 'op.add_column("t1", sa.Column("x", sa.Integer))\n    import time\n    time.sleep(120)'
ACTIVITY = "SELECT state, query FROM pg_stat_activity WHERE application_name LIKE 'db-migrate develop%'"
OURS = """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE a.application_name LIKE 'db-migrate %' OR l.locktype = 'advisory'"""


class Deploy:
    """A deploy in another terminal."""

    def __init__(self, database: str, command: str = "deploy") -> None:
        self.database = database
        self.process = subprocess.Popen(
            [BIN / "db-migrate", command],
            env={**os.environ, "DATABASE_URL": database},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_it_does(self, what: Callable[[str, str], bool]) -> None:
        """Wait until one of its sessions is at something: state and query."""
        until(lambda: any(what(*row) for row in rows(self.database, ACTIVITY)))

    def end(self, seconds: float = 30) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out + err

    def kill(self) -> None:
        """At the test's end, however that went."""
        if self.process.poll() is None:
            self.process.kill()
        if not self.process.stdout.closed:  # type: ignore[union-attr]
            self.end()


@pytest.fixture
def deploying(database: str, history: Path) -> Iterator[Callable[[str], Deploy]]:
    """A deploy of t1 to t3, and then of this revision 0004."""
    with contextlib.ExitStack() as running:

        def start(up: str, back: str = "pass") -> Deploy:
            write_revision(history, "0004", "0003", up, back)
            deploy = Deploy(database)
            running.callback(deploy.kill)
            return deploy

        yield start


def open_run(database: str) -> str:
    (line,) = query(database, "SELECT name FROM dbmigrate.run WHERE ended_at IS NULL")
    return str(line[0])


def stop(database: str, name: str) -> Answer:
    return run("--database", database, "--format", "json", "stop", name)


def check_stopped(database: str, name: str, answer: Answer) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    assert query(database, OURS) == [[0]]
    ended = query(database, f"SELECT outcome, ended_at IS NULL FROM dbmigrate.run WHERE name = '{name}'")
    assert ended == [["Stopped", False]]
    assert (answer.json["stopped"], answer.json["run"], answer.json["current"]) == (True, name, "0003")
    assert answer.json["applied"] == ["0001", "0002", "0003"]
    return dict(answer.json)


def goes_on(history: Path, database: str) -> None:
    """The next deploy takes the lease and finishes."""
    write_revision(history, "0004", "0003", 'op.create_table("t4", sa.Column("id", sa.Integer))')
    answer = run("--database", database, "deploy")
    assert answer.code == 0, answer.err
    assert "t4" in tables(database)


def test_a_long_statement(deploying: Callable[[str], Deploy], database: str, history: Path) -> None:
    deploy = deploying(SLEEP)
    deploy.until_it_does(lambda state, sql: "pg_sleep" in sql)
    name = open_run(database)
    answer = check_stopped(database, name, stop(database, name))
    assert answer["sessions"] == 1 and answer["invalid_indexes"] == []
    code, said = deploy.end()
    assert code != 0 and "Traceback" not in said
    goes_on(history, database)


def test_the_middle_of_a_transaction_that_nothing_runs_in(
    deploying: Callable[[str], Deploy], database: str, history: Path
) -> None:
    deploy = deploying(IN_A_TRANSACTION)
    deploy.until_it_does(lambda state, sql: state == "idle in transaction" and "ALTER TABLE t1" in sql)
    with connected(database) as somebody, pytest.raises(pg8000.native.Error):
        somebody.run("SET lock_timeout = '50ms'")
        somebody.run("SELECT * FROM t1")
    name = open_run(database)
    check_stopped(database, name, stop(database, name))
    assert query(database, "SELECT * FROM t1") == []
    deploy.process.kill()
    goes_on(history, database)


def test_an_index_build(deploying: Callable[[str], Deploy], database: str, history: Path) -> None:
    """It waits for an older transaction; what it leaves is named."""
    assert run("--database", database, "deploy").code == 0
    with connected(database) as older:
        older.run("BEGIN")
        older.run("INSERT INTO t1 VALUES (1)")
        deploy = deploying(CONCURRENTLY)
        deploy.until_it_does(lambda state, sql: "CREATE INDEX CONCURRENTLY" in sql)
        name = open_run(database)
        answer = stop(database, name)
        assert answer.code == 0 and answer.json["stopped"], answer.err
        assert answer.json["invalid_indexes"] == ["public.ix_t1_id"]
        assert query(database, OURS) == [[0]]
        deploy.end()


def test_every_connection_is_in_use(tmp_path_factory: pytest.TempPathFactory, history: Path) -> None:
    """The application takes each connection that comes free, and our statement is ended all the same."""
    settings = {"max_connections": "5", "superuser_reserved_connections": "1", "max_wal_senders": "0"}
    folder = tmp_path_factory.mktemp("narrow")
    with contextlib.ExitStack() as stack:
        server = EmbeddedPostgres(find_binaries(), folder, settings | {"autovacuum": "off"})
        stack.enter_context(server)
        server.execute("CREATE ROLE migrator LOGIN")
        server.execute("GRANT ALL ON DATABASE postgres TO migrator")
        server.execute("GRANT ALL ON SCHEMA public TO migrator")
        url = server.url.replace("postgres@", "migrator@")
        write_revision(history, "0004", "0003", SLEEP)
        deploy = Deploy(url)
        application = stack.enter_context(contextlib.ExitStack())
        stack.callback(deploy.kill)
        until(lambda: any("pg_sleep" in sql for _, sql in rows(server.url, ACTIVITY)))
        name = open_run(server.url)
        until(lambda: not can_connect(server, application))
        refused = run("--database", url, "status")
        assert refused.code == 2 and "reserved_connections" in refused.err
        answer = stop(url, name)
        assert answer.code == 0 and answer.json["stopped"], answer.err
        assert deploy.end()[0] != 0
        application.close()
        assert query(server.url, OURS) == [[0]]
        assert query(server.url, "SELECT outcome FROM dbmigrate.run") == [["Stopped"]]


def can_connect(server: EmbeddedPostgres, application: contextlib.ExitStack) -> bool:
    where = Endpoint.of(server.url.replace("postgres@", "migrator@"))
    try:
        session = pg8000.native.Connection(
            where.user, where.host, where.database, where.port, ssl_context=False
        )
    except pg8000.exceptions.DatabaseError:
        return False
    application.callback(session.close)
    return True


def test_a_run_that_is_over_or_that_nobody_knows(database: str, history: Path) -> None:
    assert run("--database", database, "deploy").code == 0
    ((name,),) = query(database, "SELECT name FROM dbmigrate.run")
    answer = run("--database", database, "stop", str(name))
    assert answer.code == 0 and "had ended as Succeeded before" in answer.out
    unknown = run("--database", database, "stop", "development-nothing")
    assert unknown.code == 3 and "has no run development-nothing" in unknown.err
    assert run("--database", database, "stop", "../x").code == 3


def test_a_dead_run_gives_its_lease_back(database: str, history: Path) -> None:
    run("--database", database, "deploy")
    query(database, "UPDATE dbmigrate.run SET ended_at = NULL, outcome = NULL")
    name = open_run(database)
    answer = run("--database", database, "stop", name)
    assert answer.code == 0 and "no session of it was there, and its lease is given back" in answer.out
    again = run("--database", database, "stop", name)
    assert again.code == 0 and "had been stopped before" in again.out
