"""The processes that a child of ours starts, however they detach: found, counted, and ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
PROC = Path("/proc")
END_SECONDS = 10.0


class Family:
    """One child with everything below it.

    On Linux this process adopts what detaches itself by forking twice (PR_SET_CHILD_SUBREAPER), so that
    nothing gets away. Elsewhere the children's children and the child's process group are known.
    """

    def __init__(self) -> None:
        self.child = 0
        self.strangers = set(_children(os.getpid()))
        self.adopts = LINUX and not adopt_orphans(True)
        self.rest = 0

    def begin(self, child: int) -> None:
        """The child runs; what it occupies by now is not counted."""
        self.child = child
        self.rest = memory_of(child)

    def members(self) -> list[int]:
        """The child and all that came of it."""
        if not LINUX:
            return _group(self.child) if self.child else []
        found: list[int] = []
        todo = [pid for pid in _children(os.getpid()) if pid not in self.strangers]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += [below for below in _children(pid) if below not in found]
        return found

    def memory(self, members: Iterable[int]) -> int:
        """Bytes that they occupy, beyond what each shares with the child since its beginning."""
        return sum(max(0, memory_of(pid) - self.rest) for pid in members)

    def end(self) -> None:
        """Kill them all, those first stopped that could start more meanwhile."""
        limit = time.monotonic() + END_SECONDS
        while (members := self.members()) and time.monotonic() < limit:
            for sign in (signal.SIGSTOP, signal.SIGKILL):
                for pid in members:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, sign)
            for pid in members:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.002)
        if self.adopts:
            adopt_orphans(False)


def adopt_orphans(on: bool) -> int:
    """Whether orphans below come to this process; 0 where the system agreed."""
    return _prctl(PR_SET_CHILD_SUBREAPER, int(on))


def die_with_parent() -> None:
    """Be killed when the process that started this one is gone, where the system can do it."""
    if LINUX:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def mapped_by_us() -> int:
    """Bytes of address space that this process has; 0 where nobody can say."""
    return _statm(os.getpid(), 0)


def memory_of(pid: int) -> int:
    """Bytes in memory of one process; 0 where it is gone."""
    if LINUX:
        return _statm(pid, 1)
    return next((size for one, _, _, size in _listed() if one == pid), 0)


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0))


def _statm(pid: int, field: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int((PROC / str(pid) / "statm").read_text().split()[field]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _children(pid: int) -> list[int]:
    if not LINUX:
        return [one for one, parent, _, _ in _listed() if parent == pid]
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.scandir(PROC / str(pid) / "task"):
            with contextlib.suppress(OSError):
                found += map(int, (Path(task.path) / "children").read_text().split())
    return found


def _group(child: int) -> list[int]:
    rows = _listed()
    found = {pid for pid, _, group, _ in rows if group == child or pid == child}
    while more := {pid for pid, parent, _, _ in rows if parent in found} - found:
        found |= more
    return sorted(found)


def _listed() -> list[tuple[int, int, int, int]]:
    """Process, parent, group and bytes in memory of every process."""
    asked = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,rss="], capture_output=True, text=True, check=False
    )
    rows = [tuple(map(int, line.split())) for line in asked.stdout.splitlines()]
    return [(pid, parent, group, size * 1024) for pid, parent, group, size in rows]
