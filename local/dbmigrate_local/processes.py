"""The server's processes: whose folder it is, what a killed process left behind, and how to end one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

LOCALE = "C.UTF-8" if sys.platform.startswith("linux") else "C"


# Fast shutdown, immediate, kill; a signal and its seconds.
IN_ORDER = ((signal.SIGINT, 15.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
AT_ONCE = IN_ORDER[1:]


class FolderInUse(Exception):
    """Another process runs a server in this folder."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(
            f"{folder} is used by process {holder}. End it, choose another folder, "
            "or set DATABASE_URL to work on its server."
        )


def claim(folder: Path) -> IO[str]:
    """Hold a folder for this process; the operating system lets go when the process dies, however it dies."""
    holder = (folder / "owner").open("a+")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as taken:
        holder.seek(0)
        other = holder.read().strip() or "unknown"
        holder.close()
        raise FolderInUse(folder, other) from taken
    holder.truncate(0)
    holder.write(str(os.getpid()))
    holder.flush()
    return holder


def end_orphan(data: Path) -> None:
    """End the server that a killed process left running on these data."""
    lines = pid_file(data)
    if lines and lines[0].strip().isdigit() and serves(int(lines[0]), data):
        pid = int(lines[0])
        end_process(pid, lambda: None if serves(pid, data) else 0)


def serves(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL over these data, and not a stranger that got the number later."""
    asked = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return "postgres" in asked.stdout and str(data) in asked.stdout


def end_process(
    pid: int, ended: Callable[[], int | None], signs: Sequence[tuple[int, float]] = IN_ORDER
) -> None:
    """Send one signal after the other, each with the seconds that it has, until the process has ended."""
    for sign, seconds in signs:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        limit = time.monotonic() + seconds
        while ended() is None and time.monotonic() < limit:
            time.sleep(0.01)
        if ended() is not None:
            return


def limit_memory(size: int) -> None:
    """Bound the address space of this process and of each that it starts, where the system can."""
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def hold_port(port: int) -> socket.socket:
    """Keep a port from everybody else: who connects is refused, until the socket is closed."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # of the server that was there
    holder.bind(("127.0.0.1", port))
    return holder


def environment() -> dict[str, str]:
    """Ours without what would lead PostgreSQL's programs to another server."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": LOCALE}
