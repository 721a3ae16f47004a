"""What a process leaves behind: copies go, and the database never does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbmigrate_local.archive import SLOT
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.processes import pid_file, serves
from dbmigrate_local.snapshots import SnapshotStore, trim_snapshots

KILLED = """
import os, signal, sys
from pathlib import Path
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instances import InstanceStore
from dbmigrate_local.snapshots import SnapshotStore

server = EmbeddedPostgres(find_binaries(), Path(sys.argv[1])).start()
server.execute("CREATE TABLE precious AS SELECT 42 AS answer")
instances, snapshots = InstanceStore(server), SnapshotStore(server)
app = instances.adopt("app")
assert snapshots.take("rds:first", app).settle() == "available", snapshots.get("rds:first").reason
copy = instances.prepare("copy")
instances.restore(copy, snapshots.base_of("rds:first"))
instances.server("copy")
if sys.argv[2] == "between renames":
    instances.rename(app, "app-before")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield EmbeddedPostgres(find_binaries(), tmp_path_factory.mktemp("killed") / "postgres").folder


def killed(folder: Path, when: str) -> EmbeddedPostgres:
    """The server that the next process starts on what a killed one left."""
    subprocess.run([sys.executable, "-c", KILLED, str(folder), when], check=False, env=dict(os.environ))
    return EmbeddedPostgres(find_binaries(), folder)


def test_a_killed_process_leaves_copies_that_the_next_one_deletes(folder: Path) -> None:
    server = killed(folder, "after a restore")
    copy = folder / "instances" / "copy" / "data"
    orphan = int(pid_file(copy)[0])
    assert serves(orphan, copy)
    with server:
        trim_snapshots(server)
        assert not serves(orphan, copy) and not copy.exists() and not (folder / "wal").exists()
        assert server.execute("SELECT answer FROM precious") == [[42]]
        instances, snapshots = InstanceStore(server), SnapshotStore(server)
        snapshots.take("again", instances.adopt("app")).settle()
        slots = f"SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE '{SLOT}%'"
        assert server.execute(slots) == [[1]], "the slot of the killed process is gone"
        snapshots.close()
        instances.close()
        assert server.execute(slots) == [[0]]


def test_the_data_of_a_process_that_was_killed_between_two_renames_stay(folder: Path) -> None:
    with killed(folder, "between renames") as server:
        trim_snapshots(server)
        left = EmbeddedPostgres(find_binaries(), folder / "instances" / "app-before")
        with left:
            assert left.execute("SELECT answer FROM precious") == [[42]]


def test_a_process_that_ends_between_two_renames_gives_the_database_back(folder: Path) -> None:
    with EmbeddedPostgres(find_binaries(), folder) as server:
        server.execute("CREATE TABLE precious AS SELECT 42 AS answer")
        store = InstanceStore(server)
        store.rename(store.adopt("app"), "app-before")
        assert not server.running
        store.close()
        assert server.execute("SELECT answer FROM precious") == [[42]]
