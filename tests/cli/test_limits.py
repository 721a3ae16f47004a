"""Revisions that never end, multiply, eat memory or vanish are stopped and named; nothing of them stays."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.adapters.project import Project, rows, until

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.errors import LimitExceeded, RehearsalFailed
from dbmigrate.domain.evidence import Evidence
from dbmigrate_cli.bounds import MIB, Bounds
from dbmigrate_cli.families import Family
from dbmigrate_cli.rehearsing import confined, end_sessions
from dbmigrate_local.embedded import EmbeddedPostgres

OTHERS = """SELECT count(*)::int FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"""
QUICK = Bounds(seconds=20, memory=300 * MIB, processes=12)
SHORT = Bounds(seconds=2)


class Trial:
    """A history with one good revision and one that is on trial; ``marks`` is where it says who it is."""

    def __init__(self, project: Project, marks: Path, url: str) -> None:
        self.project = project
        self.marks = marks
        self.url = url
        self.told: list[str] = []
        self.said = ""

    def run(self, bounds: Bounds, up: str, back: str = "pass") -> Evidence:
        self.marks.mkdir()
        name = f"{str(self.marks)!r} + '/' + str(os.getpid())"
        mark = f"import os, time\ndef mark():\n    open({name}, 'w').close()\n"
        self.project.add("a1", None, "CREATE TABLE a (id int)", "DROP TABLE a")
        self.project.add("b2", "a1", up, back, more=mark)
        history, target = self.project.history(), target_from_url(self.url)
        return confined(
            lambda progress: rehearse(history, target, progress),
            bounds,
            lambda done, total, revision: self.told.append(revision),
            lambda: end_sessions(target),
            self._hear,
        )

    def _hear(self, text: str) -> None:
        self.said = text

    @property
    def alive(self) -> list[int]:
        """The processes that ran the revision and are still there."""
        return [int(mark.name) for mark in self.marks.iterdir() if _is_there(int(mark.name))]


def _is_there(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@pytest.fixture
def trial(tmp_path: Path, database: str) -> Trial:
    return Trial(Project(tmp_path / "project"), tmp_path / "marks", database)


STOPPED = {
    "never ends": (SHORT, "mark()\nwhile True: pass", "Revision b2, upgrade, had not ended after 2 s"),
    "never ends and hears nothing": (
        SHORT,
        "import signal\nmark()\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n    try: time.sleep(1)\n    except BaseException: pass",
        "Revision b2, upgrade, had not ended",
    ),
    "never ends on the server": (
        SHORT,
        "mark()\nop.execute('SELECT pg_sleep(600)')",
        "Revision b2, upgrade, had not",
    ),
    "counts for ever on the server": (
        SHORT,
        "mark()\nop.execute('SELECT count(*) FROM generate_series(1, 1e12)')",
        "Revision b2, upgrade, had not ended",
    ),
    "never ends in a thread": (
        SHORT,
        "import threading\nmark()\nt = threading.Thread(target=time.sleep, args=(600,))\nt.start()\nt.join()",
        "Revision b2, upgrade, had not ended",
    ),
    "multiplies": (
        QUICK,
        "mark()\nfor n in range(40):\n    if os.fork() == 0:\n        mark()\n        time.sleep(600)\n"
        "time.sleep(600)",
        "Revision b2, upgrade, started more than 12 processes and was stopped.",
    ),
    "multiplies and hides": (
        QUICK,
        "mark()\nfor n in range(40):\n    if os.fork() == 0:\n        os.setsid()\n"
        "        if os.fork() == 0:\n            mark()\n            time.sleep(600)\n        os._exit(0)\n"
        "time.sleep(600)",
        "Revision b2, upgrade, started more than 12 processes and was stopped.",
    ),
    "eats memory": (
        QUICK,
        "mark()\nheld = []\nwhile True: held.append(bytearray(1 << 24))",
        "Revision b2, upgrade, took more than 300 MiB of memory and was stopped.",
    ),
    "eats memory in its children": (
        QUICK,
        "mark()\nfor n in range(4):\n    if os.fork() == 0:\n        mark()\n"
        "        held = b'x' * (120 << 20)\n        time.sleep(600)\ntime.sleep(600)",
        "Revision b2, upgrade, took more than 300 MiB of memory and was stopped.",
    ),
}
ENDED = {
    "ends the process": ("mark()\nos._exit(0)", "Revision b2, upgrade, ended its process with exit code 0."),
    "kills the process": ("mark()\nos.kill(os.getpid(), 9)", "Revision b2, upgrade, was killed by signal 9."),
    "closes every file": (
        "mark()\nos.closerange(3, 4096)\ntime.sleep(600)",
        "Revision b2, upgrade, closed the files of its process",
    ),
    "closes every file and goes on": ("mark()\nos.closerange(3, 4096)", "Revision b2, upgrade, "),
    "leaves": ("mark()\nimport sys\nsys.exit(0)", "b2_change.py, upgrade: SystemExit: 0"),
    "interrupts itself": (
        "mark()\nraise KeyboardInterrupt('me')",
        "Revision b2, upgrade, raised KeyboardInterrupt: me.",
    ),
    "raises what nobody catches": (
        "mark()\nclass Mine(BaseException): pass\nraise Mine('x')",
        "Revision b2, upgrade, raised Mine: x.",
    ),
    "comes back twice": ("mark()\nos.fork()\nmark()\nraise ValueError('both')", "b2"),
}


@pytest.mark.parametrize("case", STOPPED)
def test_a_revision_beyond_its_limits_is_stopped_and_named(trial: Trial, case: str) -> None:
    bounds, up, words = STOPPED[case]
    began = time.monotonic()
    with pytest.raises(LimitExceeded) as stopped:
        trial.run(bounds, up)
    assert time.monotonic() - began < 15
    assert stopped.value.message.startswith(words)
    assert stopped.value.hint.startswith("mend the revision") and stopped.value.exit_code == 3
    assert trial.told == ["a1", "b2"]
    assert list(trial.marks.iterdir()) and trial.alive == []
    assert rows(trial.url, OTHERS) == [(0,)]


@pytest.mark.parametrize("case", ENDED)
def test_a_revision_that_ends_its_process_is_named(trial: Trial, case: str) -> None:
    up, words = ENDED[case]
    with pytest.raises(RehearsalFailed) as failed:
        trial.run(Bounds(seconds=5), up)
    assert words in failed.value.message
    assert trial.alive == []
    assert until(lambda: rows(trial.url, OTHERS) == [(0,)])


def test_what_detaches_itself_is_ended_too(trial: Trial) -> None:
    daemon = (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        mark()\n"
        "        time.sleep(600)\n    os._exit(0)"
    )
    evidence = trial.run(QUICK, f"{daemon}\nwhile not os.listdir({str(trial.marks)!r}): time.sleep(0.01)")
    assert list(evidence.revisions) == ["a1", "b2"]
    assert list(trial.marks.iterdir()) and trial.alive == []


def test_the_way_back_has_its_own_time(trial: Trial) -> None:
    with pytest.raises(LimitExceeded, match="Revision b2, downgrade, had not ended after 2 s"):
        trial.run(SHORT, "pass", "time.sleep(600)")


def test_each_way_of_each_revision_has_its_own_time(trial: Trial) -> None:
    evidence = trial.run(Bounds(seconds=2.5), "time.sleep(1.5)", "time.sleep(1.5)")
    assert evidence.revisions["b2"].round_trip


def test_a_lot_that_is_printed_neither_blocks_nor_shows(
    trial: Trial, capfd: pytest.CaptureFixture[str]
) -> None:
    up = "import sys\nfor n in range(20000): print('line', n, 'x' * 50)\nprint('err', file=sys.stderr)\n"
    up += "os.system('echo last')"
    evidence = trial.run(QUICK, up, "os.write(1, b'\\xff\\n')")
    assert list(evidence.revisions) == ["a1", "b2"]
    assert "last\n" in trial.said and len(trial.said) <= 2000
    assert capfd.readouterr() == ("", "")


def test_the_evidence_is_what_it_would_be_without_limits(trial: Trial, postgres: EmbeddedPostgres) -> None:
    evidence = trial.run(QUICK, "ALTER TABLE a ADD b text", "ALTER TABLE a DROP b")
    url = postgres.create_database("unconfined")
    assert rehearse(trial.project.history(), target_from_url(url)) == evidence
    postgres.drop_database("unconfined")


def give(progress: object) -> str:
    print("printed in another interpreter")
    return "done there"


def raise_strange(progress: object) -> str:
    raise LookupError("from there")


def test_a_process_with_threads_starts_another_interpreter() -> None:
    """Forking with threads may leave a lock held for ever."""
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    said: list[str] = []
    try:
        assert confined(give, QUICK, lambda *facts: None, said=said.append) == "done there"
        assert said == ["printed in another interpreter\n"]
        with pytest.raises(RehearsalFailed, match="broke the rehearsal off: LookupError: from there"):
            confined(raise_strange, QUICK, lambda *facts: None)
    finally:
        go_on.set()
        thread.join()


def test_an_interrupt_ends_them_all(trial: Trial) -> None:
    """What Ctrl-C raises in the command, wherever it is just then."""

    def interrupt(done: int, total: int, revision: str) -> None:
        if revision == "b2":
            until(lambda: list(trial.marks.iterdir()))
            raise KeyboardInterrupt

    trial.marks.mkdir()
    name = f"{str(trial.marks)!r} + '/' + str(os.getpid())"
    trial.project.add("b2", None, f"import os, time\nopen({name}, 'w').close()\ntime.sleep(600)")
    history, target = trial.project.history(), target_from_url(trial.url)
    with pytest.raises(KeyboardInterrupt):
        confined(
            lambda progress: rehearse(history, target, progress),
            QUICK,
            interrupt,
            lambda: end_sessions(target),
        )
    assert trial.alive == []
    assert rows(trial.url, OTHERS) == [(0,)]


def test_processes_of_others_are_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        family = Family()
        family.end()
        assert family.members() == []
        assert other.poll() is None
        other.communicate(b"\n")
    assert other.returncode == 0


def test_confinement_costs_little() -> None:
    began = time.perf_counter()
    assert confined(lambda progress: json.dumps([1]), QUICK, lambda *facts: None) == "[1]"
    assert time.perf_counter() - began < 2, "0.03 s on two quiet cores"
