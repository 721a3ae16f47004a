"""Snapshots that can be restored: each is a base backup of the embedded server, taken while it serves."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from dbmigrate_local.embedded import EmbeddedPostgres

KEPT = 3  # snapshots of earlier processes, see trim_snapshots


def trim_snapshots(server: EmbeddedPostgres) -> None:
    """Delete all but the newest of what earlier processes left: each is a whole copy of the data."""
    found = sorted((server.folder / "snapshots").glob("*"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT]:
        shutil.rmtree(path, ignore_errors=True)


class SnapshotUnusable(Exception):
    """A restore from a snapshot that holds no data."""

    def __init__(self, name: str, status: str) -> None:
        super().__init__(f"Snapshot {name} cannot be restored: it is {status}.")


@dataclass
class Snapshot:
    """One base backup. `status` is creating, available or failed; `reason` says why it failed."""

    name: str
    folder: Path | None
    status: str = "creating"
    reason: str = ""
    work: threading.Thread | None = None

    def settle(self, within: float = 120) -> str:
        """Wait for the backup's end, in seconds; returns the status."""
        if self.work is not None:
            self.work.join(within)
        return self.status


class SnapshotStore:
    """The snapshots of one server, in `server.folder/snapshots`; without a server they hold no data."""

    def __init__(self, server: EmbeddedPostgres | None) -> None:
        self._server = server
        self._snapshots: dict[str, Snapshot] = {}
        self._restored: dict[str, EmbeddedPostgres] = {}
        self._fail_next = False

    def fail_next(self) -> None:
        """Let the next backup really fail: its folder will not be empty."""
        self._fail_next = True

    def take(self, name: str) -> Snapshot:
        """Start a backup; it goes on in the background."""
        snapshot = Snapshot(name, self._prepared(name))
        self._snapshots[name] = snapshot
        failing, self._fail_next = self._fail_next, False
        if snapshot.folder is None:
            snapshot.status, snapshot.reason = ("failed", "asked to fail") if failing else ("available", "")
            return snapshot
        if failing:
            snapshot.folder.mkdir(mode=0o755)
            (snapshot.folder / "in the way").touch()
        snapshot.work = threading.Thread(target=self._back_up, args=(snapshot,), name=f"snapshot-{name}")
        snapshot.work.start()
        return snapshot

    @property
    def serves(self) -> bool:
        """Whether snapshots hold data."""
        return self._server is not None

    def has(self, name: str) -> bool:
        return name in self._snapshots

    def get(self, name: str) -> Snapshot:
        return self._snapshots[name]

    @property
    def names(self) -> list[str]:
        return list(self._snapshots)

    def forget(self, name: str) -> None:
        """Delete a snapshot and its data."""
        snapshot = self._snapshots.pop(name)
        snapshot.settle()
        if snapshot.folder is not None:
            shutil.rmtree(snapshot.folder)

    def restore(self, name: str, instance: str | None = None) -> EmbeddedPostgres:
        """A second server over a copy of a snapshot; it ends with the store. Raises SnapshotUnusable."""
        snapshot, server = self._snapshots[name], self._server
        if snapshot.settle() != "available" or snapshot.folder is None or server is None:
            raise SnapshotUnusable(name, snapshot.status if snapshot.folder else "without data")
        folder = server.folder / "restored" / (instance or name)
        shutil.rmtree(folder, ignore_errors=True)
        server.account.give(folder.parent, 0o755)
        server.account.give(folder, 0o755)
        copy = ["cp", "-a", str(snapshot.folder), str(folder / "data")]
        subprocess.run(copy, check=True, cwd="/", **server.account.options())
        restored = EmbeddedPostgres(server.binaries, folder, server.settings).start()
        self._restored[instance or name] = restored
        return restored

    def stop(self, instance: str) -> None:
        """Stop a restored server and delete its data; one that was never started is none."""
        if instance in self._restored:
            restored = self._restored.pop(instance)
            restored.stop()
            shutil.rmtree(restored.folder, ignore_errors=True)

    def close(self) -> None:
        """Wait for backups under way and stop every restored server."""
        for snapshot in self._snapshots.values():
            snapshot.settle()
        for instance in list(self._restored):
            self.stop(instance)

    def _prepared(self, name: str) -> Path | None:
        if self._server is None:
            return None
        parent = self._server.folder / "snapshots"
        self._server.account.give(parent, 0o755)
        shutil.rmtree(parent / name, ignore_errors=True)  # of an earlier process with the same run
        return parent / name

    def _back_up(self, snapshot: Snapshot) -> None:
        assert self._server is not None and snapshot.folder is not None
        address = ["-h", "127.0.0.1", "-p", str(self._server.port), "-U", "postgres", "-w"]
        how = ["--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        try:
            self._server.run("pg_basebackup", "-D", snapshot.folder, *address, *how)
        except (subprocess.CalledProcessError, OSError) as problem:
            snapshot.reason = (getattr(problem, "stderr", None) or str(problem)).strip()
            snapshot.status = "failed"
            return
        with contextlib.suppress(FileNotFoundError):
            snapshot.folder.chmod(0o700)
        snapshot.status = "available"
