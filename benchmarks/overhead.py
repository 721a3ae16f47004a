"""`db-migrate deploy` in development against plain `alembic upgrade head`, over the same 240 revisions.

Why the ratio is fair: both are whole processes from start to exit, take turns on the same server, begin
with a fresh database each time and use the same driver (pg8000). Alembic's side runs the env.py of its own
generic template, one transaction for everything. Ours checks history and drift first, commits each revision
together with its line in the ledger, and reads the catalog at the end. "Nothing pending" compares a second
deploy with `alembic current`, the least that Alembic can be asked about the same database.

Python keeps its bytecode, of both programs and of the revisions, in a folder of the trial, whatever the
calling environment says; the first pair, which is not counted, fills it.

The server writes to disk before it says "committed" (fsync on); --no-fsync takes
that part out.
"""

from __future__ import annotations

import itertools
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.made_history import ini_for, make_history
from benchmarks.measure import Figure, in_turns, options, report, seconds_of
from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

PROGRAMS = Path(sysconfig.get_path("scripts"))
BOUND = 1.3
BOUND_OF_NOTHING = 1.5


class Trial:
    """One project, one server, and the two programs that take turns on them."""

    def __init__(self, folder: Path, server: EmbeddedPostgres, revisions: int) -> None:
        self.folder = folder
        self.server = server
        self.location = make_history(folder, revisions)
        self.names = (f"trial_{number}" for number in itertools.count())

    def fresh(self, run: Callable[[str], float]) -> Callable[[int], float]:
        """The run, each time on a database of its own."""

        def measured(pair: int) -> float:
            name = next(self.names)
            seconds = run(self.server.create_database(name))
            self.server.drop_database(name)
            return seconds

        return measured

    def deploy(self, url: str) -> float:
        options: list[str | Path] = ["--migrations", self.location, "--database", url]
        return seconds_of([PROGRAMS / "db-migrate", *options, "deploy"], self.folder)

    def alembic(self, url: str, *words: str) -> float:
        ini = ini_for(self.folder, url.replace("postgresql://", "postgresql+pg8000://"))
        return seconds_of([PROGRAMS / "alembic", "-c", ini, *words], self.folder)


def everything(trial: Trial, pairs: int) -> Figure:
    ours, theirs = in_turns(
        pairs, trial.fresh(trial.deploy), trial.fresh(lambda url: trial.alembic(url, "upgrade", "head"))
    )
    return Figure("deploy against alembic upgrade head", ours, theirs, BOUND)


def nothing(trial: Trial, pairs: int) -> Figure:
    """Each side on a database that it has itself migrated."""
    our_url, their_url = (trial.server.create_database(name) for name in ("nothing_ours", "nothing_theirs"))
    trial.deploy(our_url)
    trial.alembic(their_url, "upgrade", "head")
    ours, theirs = in_turns(
        pairs, lambda pair: trial.deploy(our_url), lambda pair: trial.alembic(their_url, "current")
    )
    return Figure("nothing pending against alembic current", ours, theirs, BOUND_OF_NOTHING)


def main() -> int:
    parser = options(__doc__, repetitions=7)
    parser.add_argument("--revisions", type=int, default=240)
    parser.add_argument("--no-fsync", action="store_true", help="commits cost no disk write")
    given = parser.parse_args()
    settings = {"fsync": "off" if given.no_fsync else "on"}
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-overhead-") as folder,
        embedded_postgres(Path(folder) / "postgres", settings) as server,
    ):
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        trial = Trial(Path(folder), server, given.revisions)
        figures = [everything(trial, given.repetitions), nothing(trial, given.repetitions)]
    return report("overhead", figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
