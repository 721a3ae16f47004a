"""A PostgreSQL server of our own for trials and tests: any folder of binaries, any account, root included."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pg8000.native

from dbmigrate_local.accounts import reachable_binaries, reachable_folder, server_account
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.processes import (
    AT_ONCE,
    LOCALE,
    claim,
    end_orphan,
    end_process,
    environment,
    free_port,
    hold_port,
    limit_memory,
    pid_file,
    serves,
)

# The machine's crash may lose a trial's data, a process's crash may not: fsync is off, commits are not.
TRIAL = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_senders": "16",
    "wal_level": "replica",
    "autovacuum_naptime": "10s",
    "temp_file_limit": "8GB",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "timezone": "UTC",  # as RDS has it; initdb would take the machine's
}

SESSION_MEMORY = 4 << 30  # bytes of address space; a statement that wants more fails, and nobody else


class ServerNotStarted(Exception):
    """The local PostgreSQL did not start; the message ends with what its log says."""


class EmbeddedPostgres:
    """One server over one folder. Entering starts it, leaving stops it; the data stay for the next start.

    As root the server runs as `nobody`; `folder` is then one that it can reach, not always the one asked for.
    Raises FolderInUse and ServerNotStarted.
    """

    def __init__(self, binaries: Path, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.account = server_account()
        self.folder = reachable_folder(folder, self.account)
        self.data = self.folder / "data"
        self.port = 0
        self.settings = {**TRIAL, **(settings or {})}
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None
        self._claim: IO[str] | None = None
        self._address: socket.socket | None = None

    @property
    def url(self) -> str:
        return self.url_for("postgres")

    def url_for(self, database: str) -> str:
        """The address of one of the server's databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, once: Mapping[str, str] | None = None, within: float = 60) -> Self:
        """Start the server, making its data folder first if there is none; a running server is left alone.

        `once` are settings for this start only; `within` is how long it may take, in seconds.
        """
        if self.running:
            return self
        self.account.give(self.folder, 0o755)
        self._claim = claim(self.folder)
        self._let_go_of_address()
        try:
            self._binaries = reachable_binaries(self._binaries, self.folder, self.account)
            self._initialise()
            end_orphan(self.data)
            self._launch({**self.settings, **(once or {})}, within)
        except BaseException:
            self._release()
            raise
        return self

    def served_elsewhere(self) -> str | None:
        """The address at which another process serves this folder now; None when none does."""
        lines = pid_file(self.data)
        if len(lines) < 8 or lines[7].strip() != "ready" or not serves(int(lines[0]), self.data):
            return None
        self.port = int(lines[3])
        return self.url

    def stop(self) -> None:
        """Stop at once without losing what was committed; stopping a stopped server does nothing."""
        if self._process is not None and self._process.poll() is None:
            end_process(self._process.pid, self._process.poll)
        self._process = None
        self._release()

    def hand_over(self, other: EmbeddedPostgres) -> None:
        """Stop, and give the data to another server, which has none; our address refuses whoever comes."""
        self.stop()
        self._address = hold_port(self.port)
        self.account.give(other.folder, 0o755)
        self.data.rename(other.data)

    def destroy(self) -> None:
        """End without ado, and delete the data."""
        if self._process is not None and self._process.poll() is None:
            end_process(self._process.pid, self._process.poll, AT_ONCE)
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def close(self) -> None:
        """Stop for good: the address is free for others."""
        self.stop()
        self._let_go_of_address()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database; returns its address."""
        self.execute(f"CREATE DATABASE {quoted(name)} TEMPLATE {quoted(template)}")
        return self.url_for(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending its sessions."""
        self.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")

    def execute(self, sql: str, database: str = "postgres") -> list[list[object]]:
        """Run one statement in its own transaction; returns its rows."""
        with contextlib.closing(
            pg8000.native.Connection(
                "postgres",
                "127.0.0.1",
                database,
                self.port,
                timeout=60,
                ssl_context=False,  # else every connection reads the system's certificates, for nothing
            )
        ) as connection:
            return [list(row) for row in connection.run(sql) or []]

    def run(self, program: str, *arguments: str | Path) -> None:
        """Run one of the server's own programs under its account. Raises subprocess.CalledProcessError."""
        subprocess.run(
            [self._binaries / program, *arguments],
            cwd="/",
            env=environment(),
            check=True,
            capture_output=True,
            text=True,
            **self.account.options(),
        )

    @property
    def binaries(self) -> Path:
        """Where the programs run from: the original folder, or a copy that the account can reach."""
        return self._binaries

    def _initialise(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", f"--locale={LOCALE}", "-N", "-k"]
        try:
            self.run("initdb", *options, "-D", self.data)
        except subprocess.CalledProcessError as failed:
            raise ServerNotStarted(f"initdb failed in {self.folder}: {failed.stderr.strip()}") from failed

    def _launch(self, settings: Mapping[str, str], within: float) -> None:
        for attempt in range(4):  # a free port may be taken before the server has it
            self.port = self.port if self.port and attempt == 0 else free_port()
            if self._serve(settings, within):
                return
        log = (self.folder / "log").read_text(errors="replace")[-2000:]
        raise ServerNotStarted(f"PostgreSQL did not start in {self.folder}. Its log ends with:\n{log}")

    def _serve(self, settings: Mapping[str, str], within: float) -> bool:
        command = [str(self._binaries / "postgres"), "-D", str(self.data), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd="/",
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: limit_memory(SESSION_MEMORY),
                start_new_session=True,  # Ctrl-C in the terminal ends us first, and we end the server
                **self.account.options(),
            )
        self._process = process
        return self._becomes_ready(process, within)

    def _becomes_ready(self, process: subprocess.Popen[bytes], within: float) -> bool:
        limit = time.monotonic() + within
        while process.poll() is None and time.monotonic() < limit:
            lines = pid_file(self.data)
            if len(lines) >= 8 and lines[0].strip() == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.01)
        return False

    def _let_go_of_address(self) -> None:
        if self._address is not None:
            self._address.close()
            self._address = None

    def _release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


@contextlib.contextmanager
def embedded_postgres(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[EmbeddedPostgres]:
    """A server from whichever binaries this machine has."""
    with EmbeddedPostgres(find_binaries(), folder, settings) as server:
        yield server
