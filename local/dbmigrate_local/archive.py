"""What a moment of a server is restored from: base backups, and every transaction since the first of them.

One archive belongs to one line of data: it goes along when the server gets another name and another folder.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pg8000.exceptions

from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.processes import end_process, environment

SLOT = "db_migrate_archive"  # the server's slots of this name keep what was not fetched yet
NUMBERS = itertools.count(1)


class TransactionsMissing(Exception):
    """The stream of transactions stands still, so that a moment cannot be reached."""

    def __init__(self, wanted: str, said: str) -> None:
        super().__init__(f"Transactions up to {wanted} were not received. {said.strip()[-500:]}")


@dataclass(frozen=True)
class Base:
    """A base backup; `ended` is when it was whole: no earlier moment can be reached from it."""

    folder: Path
    ended: dt.datetime


class Archive:
    """The backups of one line of data. `folder` receives its transactions, as PostgreSQL's own WAL files."""

    def __init__(self, server: EmbeddedPostgres, folder: Path) -> None:
        self._slot = f"{SLOT}_{os.getpid()}_{next(NUMBERS)}"  # it moves along in the data folder
        self.folder = folder / self._slot
        self.server = server
        self._bases: list[Base] = []
        self._receiver: subprocess.Popen[bytes] | None = None
        self._first: threading.Thread | None = None
        self._one_at_a_time = threading.RLock()
        self._backing_up = threading.Lock()

    @property
    def earliest(self) -> dt.datetime | None:
        """The first moment that can be restored; None before the first base backup."""
        return min((base.ended for base in self._bases), default=None)

    def begin(self) -> None:
        """Take a first base backup in the background, so that moments from its end on can be restored."""
        self._first = threading.Thread(target=self._take_first, name=f"first-backup-{self._slot}")
        self._first.start()

    def settle(self) -> None:
        """Wait for the first base backup, if one is under way."""
        if self._first is not None:
            self._first.join()

    def take_base(self, folder: Path) -> None:
        """Back the server up into a folder. Raises subprocess.CalledProcessError and OSError."""
        self.follow()
        how = ["--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        with self._backing_up:
            self.server.run("pg_basebackup", "-D", folder, *self._address(), *how)
        with contextlib.suppress(FileNotFoundError):
            folder.chmod(0o700)
        self._bases.append(Base(folder, dt.datetime.now(dt.UTC)))

    def forget(self, folder: Path) -> None:
        """A base backup is about to be deleted."""
        self._bases = [base for base in self._bases if base.folder != folder]

    def base_before(self, moment: dt.datetime) -> Base | None:
        """The newest base backup that was whole by then."""
        return max(
            (base for base in self._bases if base.ended <= moment), key=lambda base: base.ended, default=None
        )

    def follow(self) -> None:
        """Receive the server's transactions from now on, or again after a pause; none is missed between."""
        with self._one_at_a_time:
            if self._receiver is not None and self._receiver.poll() is None:
                return
            self._receive()

    def pause(self) -> None:
        """Stop receiving, because the server is about to stop."""
        self.settle()
        with self._backing_up, self._one_at_a_time:  # a backup under way has its end first
            if self._receiver is not None:
                end_process(self._receiver.pid, self._receiver.poll)
                self._receiver = None

    def catch_up(self, within: float = 60) -> None:
        """Have every transaction of now in whole files, and one behind them: recovery stops in front of that.

        Raises TransactionsMissing.
        """
        with self._one_at_a_time:
            self.follow()
            self.server.execute("SELECT txid_current()")
            wanted = str(self.server.execute("SELECT pg_walfile_name(pg_switch_wal())")[0][0])
            limit = time.monotonic() + within
            while not (self.folder / wanted).exists():
                if time.monotonic() > limit:
                    raise TransactionsMissing(wanted, self._log.read_text(errors="replace"))
                self.follow()  # the server may have been started anew by its owner
                time.sleep(0.01)

    def close(self) -> None:
        """Stop receiving and delete what was received; the server keeps nothing for us any more."""
        self.pause()
        if self.server.running:
            with contextlib.suppress(pg8000.exceptions.Error):  # the next archive drops it
                self._drop_slots(f"slot_name = '{self._slot}'")
        self._bases = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def _take_first(self) -> None:
        with contextlib.suppress(Exception):  # then there is no moment to restore, and RDS shows none
            self.take_base(self.folder / "base")

    def _receive(self) -> None:
        self.server.account.give(self.folder, 0o755)
        if self._receiver is None and not self._slots(f"slot_name = '{self._slot}'"):
            self._drop_slots(f"slot_name LIKE '{SLOT}%' AND NOT active")  # of killed processes
            self.server.execute(f"SELECT pg_create_physical_replication_slot('{self._slot}', true)")
        program = str(self.server.binaries / "pg_receivewal")
        how = ["-D", str(self.folder), f"--slot={self._slot}", "--no-loop", "--no-sync"]
        with self._log.open("ab") as log:
            receiver = subprocess.Popen(
                [program, *how, *self._address()],
                cwd="/",
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.server.account.options(),
            )
        self._receiver = receiver
        self._wait_for_stream(receiver)

    def _wait_for_stream(self, receiver: subprocess.Popen[bytes], within: float = 30) -> None:
        limit = time.monotonic() + within
        while receiver.poll() is None and time.monotonic() < limit:
            if self._slots(f"slot_name = '{self._slot}' AND active"):
                return
            time.sleep(0.01)
        raise TransactionsMissing("now", self._log.read_text(errors="replace"))

    def _slots(self, which: str) -> list[list[object]]:
        return self.server.execute(f"SELECT slot_name FROM pg_replication_slots WHERE {which}")

    def _drop_slots(self, which: str) -> None:
        for (slot,) in self._slots(which):
            self.server.execute(f"SELECT pg_drop_replication_slot('{slot}')")

    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres", "-w"]

    @property
    def _log(self) -> Path:
        return self.folder / "log"
