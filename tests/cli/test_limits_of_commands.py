"""The limits as the command has them, and those of our own server."""

from __future__ import annotations

from pathlib import Path

import pg8000
import pytest
from tests.adapters.project import rows
from tests.cli.cases import write_revision
from tests.cli.conftest import Run
from tests.cli.test_limits import OTHERS

from dbmigrate_cli.bounds import MIB
from dbmigrate_local import embedded
from dbmigrate_local.embedded import EmbeddedPostgres


def test_the_command_says_what_it_stopped_and_leaves_no_server(
    db_migrate: Run, history: Path, folder: Path
) -> None:
    write_revision(
        history, "0004", "0003", "print('hello from 4', flush=True); op.execute('SELECT pg_sleep(600)')"
    )
    answer = db_migrate("--format", "json", "validate", "--revision-timeout", "2")
    assert answer.code == 3
    assert answer.json["error"]["name"] == "LimitExceeded"
    assert "Revision 0004, upgrade, had not ended after 2 s" in answer.err
    assert "--revision-timeout SECONDS" in answer.err
    assert "A revision printed: hello from 4" in answer.err
    assert not (folder / ".dbmigrate/postgres/data/postmaster.pid").exists()
    with embedded.embedded_postgres(folder / ".dbmigrate/postgres") as server:
        assert server.execute("SELECT datname FROM pg_database WHERE datname LIKE 'scratch%'") == []


def test_somebodys_own_scratch_is_empty_again(
    db_migrate: Run, history: Path, postgres: EmbeddedPostgres
) -> None:
    write_revision(history, "0004", "0003", "op.execute('SELECT pg_sleep(600)')")
    scratch = postgres.create_database("scratch_of_limits")
    answer = db_migrate("validate", "--scratch", scratch, "--revision-timeout", "2")
    assert answer.code == 3 and "Revision 0004, upgrade, had not ended after 2 s" in answer.err
    assert rows(scratch, OTHERS) == [(0,)]
    assert rows(
        scratch, "SELECT count(*)::int FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ) == [(0,)]
    postgres.drop_database("scratch_of_limits")


def test_memory_of_the_command_is_an_option(db_migrate: Run, history: Path) -> None:
    write_revision(history, "0004", "0003", "bytearray(200 << 20)")
    answer = db_migrate("validate", "--revision-memory", "100")
    assert answer.code == 3 and "Revision 0004, upgrade, took more than 100 MiB of memory" in answer.err
    assert "--revision-memory MIB" in answer.err


def test_a_statement_that_wants_all_memory_fails_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SESSION_MEMORY", 700 * MIB)
    with embedded.embedded_postgres(folder / "small") as server:
        with pytest.raises(pg8000.DatabaseError, match="out of memory"):
            server.execute("SELECT array_agg(repeat('x', 200000000 + n)) FROM generate_series(1, 9) n")
        assert server.execute("SELECT 1") == [[1]] and server.running


def test_temporary_files_have_an_end(database: str) -> None:
    assert rows(database, "SHOW temp_file_limit") == [("8GB",)]
