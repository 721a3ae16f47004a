"""Snapshots that can be restored: each is a base backup of a server, taken while it serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.instance import Instance
from dbmigrate_local.places import trim_places

KEPT = 3  # snapshots of earlier processes, see trim_snapshots
BLOCK = 8192  # bytes
AUTOMATED = "rds:"  # how RDS names the backups that it takes by itself


def trim_snapshots(server: EmbeddedPostgres) -> None:
    """Delete all but the newest of what earlier processes left: each is a whole copy of the data."""
    shutil.rmtree(server.folder / "wal", ignore_errors=True)
    trim_places(server)
    found = sorted((server.folder / "snapshots").glob("*"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


class SnapshotUnusable(Exception):
    """A restore from a snapshot that holds no data."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"Snapshot {name} cannot be restored: it is {status}.")


@dataclass
class Snapshot:
    """One base backup. `status` is what RDS says: creating, available, failed or what a test asked for.

    `ending` is what becomes of it; `reason` says why it failed.
    """

    name: str
    folder: Path | None
    instance: Instance | None = None
    status: str = "creating"
    ending: str = "available"
    reason: str = ""
    work: threading.Thread | None = None

    def settle(self, within: float = 1800) -> str:
        """Wait for the backup's end, in seconds; returns the status."""
        if self.work is not None:
            self.work.join(within)
        return self.status


class SnapshotStore:
    """The snapshots of every server, in `main.folder/snapshots`; without a server they hold no data.

    Of the failures that RDS knows, a test may ask for these:
    fail_next    the next backup really fails: its folder is not empty
    refuse_next  the next one is refused with a code, such as SnapshotQuotaExceeded
    next_ends    as `creating` for ever, `deleted` under its owner, or any other status
    corrupt      a snapshot's data, so that only who reads them finds out
    """

    def __init__(self, main: EmbeddedPostgres | None) -> None:
        self._main = main
        self._snapshots: dict[str, Snapshot] = {}
        self._fail_next = False
        self._refusal: str | None = None
        self._ending: str | None = None

    # ---- what a test asks for
    def fail_next(self) -> None:
        self._fail_next = True

    def refuse_next(self, code: str) -> None:
        self._refusal = code

    def next_ends(self, status: str) -> None:
        self._ending = status

    def taken_refusal(self) -> str | None:
        """The code with which this snapshot is refused; once."""
        code, self._refusal = self._refusal, None
        return code

    # ---- what RDS does
    def take(self, name: str, of: Instance) -> Snapshot:
        """Start a backup; it goes on in the background."""
        snapshot = Snapshot(name, self._prepared(name) if of.archive else None, of)
        archive = of.archive
        return self._begin(snapshot, lambda folder: archive.take_base(folder) if archive else None)

    def copy(self, source: str, name: str) -> Snapshot:
        """Start a copy of a snapshot that is available; the two can be deleted one by one."""
        base = self.base_of(source)
        snapshot = Snapshot(name, self._prepared(name) if base else None)
        return self._begin(snapshot, lambda folder: self._link(base, folder))

    def corrupt(self, name: str, table: str, database: str = "postgres") -> None:
        """Flip bytes of a row in the data of a snapshot; `table` has rows, and its file is still the same."""
        snapshot = self._snapshots[name]
        assert snapshot.settle() == "available" and snapshot.folder and snapshot.instance
        server = snapshot.instance.server
        assert server is not None
        path = server.execute(f"SELECT pg_relation_filepath('{table}')", database)[0][0]
        flip(snapshot.folder / str(path))

    def has(self, name: str) -> bool:
        return name in self._snapshots

    def get(self, name: str) -> Snapshot:
        return self._snapshots[name]

    @property
    def names(self) -> list[str]:
        """Those that were asked for; RDS's own are not its user's to delete."""
        return [name for name in self._snapshots if not name.startswith(AUTOMATED)]

    def base_of(self, name: str) -> Path | None:
        """Where a restore finds the data; None when its owner has none. Raises SnapshotUnusable."""
        snapshot = self._snapshots[name]
        if snapshot.settle() != "available":
            raise SnapshotUnusable(name, snapshot.status)
        return snapshot.folder

    def forget(self, name: str) -> None:
        """Delete a snapshot and its data."""
        snapshot = self._snapshots.pop(name)
        snapshot.settle()
        if snapshot.folder is not None:
            if snapshot.instance is not None and snapshot.instance.archive is not None:
                snapshot.instance.archive.forget(snapshot.folder)
            shutil.rmtree(snapshot.folder)

    def settle(self) -> None:
        """Wait for every backup under way."""
        for snapshot in list(self._snapshots.values()):
            snapshot.settle()

    def close(self) -> None:
        """Wait for backups under way, and delete those that RDS took by itself."""
        self.settle()
        for name in [name for name in self._snapshots if name.startswith(AUTOMATED)]:
            self.forget(name)

    def _prepared(self, name: str) -> Path | None:
        if self._main is None:
            return None
        parent = self._main.folder / "snapshots"
        self._main.account.give(parent, 0o755)
        shutil.rmtree(parent / name, ignore_errors=True)  # of an earlier process with the same run
        return parent / name

    def _begin(self, snapshot: Snapshot, make: Callable[[Path], None]) -> Snapshot:
        self._snapshots[snapshot.name] = snapshot
        failing = False
        if not snapshot.name.startswith(AUTOMATED):
            failing, self._fail_next = self._fail_next, False
            snapshot.ending, self._ending = self._ending or "available", None
        if snapshot.folder is None:
            snapshot.status = "failed" if failing else snapshot.ending
            snapshot.reason = "asked to fail" if failing else ""
            return snapshot
        if failing:
            snapshot.folder.mkdir(mode=0o755)
            (snapshot.folder / "in the way").touch()
        snapshot.work = threading.Thread(
            target=self._back_up, args=(snapshot, snapshot.folder, make), name=f"snapshot-{snapshot.name}"
        )
        snapshot.work.start()
        return snapshot

    def _back_up(self, snapshot: Snapshot, folder: Path, make: Callable[[Path], None]) -> None:
        try:
            make(folder)
        except Exception as problem:  # whatever it is, RDS would say no more than `failed`
            snapshot.reason = (getattr(problem, "stderr", None) or str(problem)).strip()
            snapshot.status = "failed"
            return
        snapshot.status = snapshot.ending

    def _link(self, base: Path | None, folder: Path) -> None:
        assert self._main is not None
        copy = ["cp", "-al", str(base), str(folder)]  # base backups are never written to
        subprocess.run(copy, check=True, cwd="/", capture_output=True, text=True)


def flip(path: Path) -> None:
    """Flip the last bytes of a table's first block, in a file of its own: copies have the same ones."""
    block = bytearray(path.read_bytes())
    end = min(len(block), BLOCK)
    block[end - 8 : end] = bytes(byte ^ 0xFF for byte in block[end - 8 : end])
    spoiled = path.with_name(f"{path.name}.spoiled")
    spoiled.write_bytes(block)
    before = path.stat()
    os.chown(spoiled, before.st_uid, before.st_gid)
    spoiled.chmod(before.st_mode & 0o777)
    spoiled.replace(path)
