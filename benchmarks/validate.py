"""`db-migrate validate` as a pull request meets it, and over a whole history.

"The usual pull request": three revisions are new on a schema of 100 tables and 150 revisions; the base is in
the cache, as it is from the second run on. The whole command counts, from start to exit: its PostgreSQL is
started, the base copied, the three revisions run up, down and up again under the tracer, are judged and told.

"A whole history": `validate --from base` of 290 revisions with nothing cached, against a bare `alembic
upgrade head` of the same revisions on the same server. Why the ratio is fair: both are whole processes, take
turns, begin with nothing each time and use the same driver. Ours goes up, down and up again with rows in
every table and questions around each statement, where Alembic only goes up.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.made_history import ini_for, make_history
from benchmarks.measure import Figure, in_turns, options, report, seconds_of
from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

PROGRAMS = Path(sysconfig.get_path("scripts"))
SECONDS = 4.0
TIMES = 15.0
JUDGED = (0, 3)  # the made revisions build indexes as nobody should, and are told so


def usual_pull_request(folder: Path, repetitions: int) -> Figure:
    location = make_history(folder, revisions=153, tables=4)
    command: list[str | Path] = [PROGRAMS / "db-migrate", "--migrations", location]
    command += ["--format", "markdown", "validate", "--from", "0150_tighten"]
    seconds_of(command, folder, JUDGED)  # makes the base
    taken = [seconds_of(command, folder, JUDGED) for _ in range(repetitions)]
    return Figure(
        "validate of 3 revisions after 150, 100 tables", taken, bound=SECONDS, notes=_split(folder, taken)
    )


def _split(folder: Path, taken: Sequence[float]) -> dict[str, float]:
    """Where the seconds go: medians of the parts that can be had alone, and the rest."""
    start = median(seconds_of([PROGRAMS / "db-migrate", "validate", "--help"], folder) for _ in taken)
    served = []
    for _ in taken:
        began = time.perf_counter()
        with embedded_postgres(folder / ".dbmigrate" / "postgres"):
            pass
        served.append(time.perf_counter() - began)
    server = median(served)
    return {
        "command_starts": round(start, 2),
        "server_starts_and_stops": round(server, 2),
        "copy_rehearsal_judgement_report": round(median(taken) - start - server, 2),
    }


def whole_history(folder: Path, server: EmbeddedPostgres, pairs: int) -> Figure:
    location = make_history(folder, revisions=290)
    names = (f"bare_{number}" for number in itertools.count())

    def ours(pair: int) -> float:
        shutil.rmtree(folder / ".dbmigrate" / "evidence", ignore_errors=True)
        name = next(names)
        url = server.create_database(name)
        command: list[str | Path] = [PROGRAMS / "db-migrate", "--migrations", location, "validate"]
        seconds = seconds_of([*command, "--from", "base", "--scratch", url], folder, JUDGED)
        server.drop_database(name)
        return seconds

    def bare(pair: int) -> float:
        name = next(names)
        url = server.create_database(name).replace("postgresql://", "postgresql+pg8000://")
        seconds = seconds_of([PROGRAMS / "alembic", "-c", ini_for(folder, url), "upgrade", "head"], folder)
        server.drop_database(name)
        return seconds

    return Figure(
        "validate --from base of 290 revisions against alembic upgrade head",
        *in_turns(pairs, ours, bare),
        TIMES,
    )


def main() -> int:
    given = options(__doc__, repetitions=5).parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-validate-") as place:
        folders = Path(place) / "pull", Path(place) / "whole"
        for folder in folders:
            folder.mkdir()
        figures = [usual_pull_request(folders[0], given.repetitions)]
        with embedded_postgres(Path(place) / "postgres") as server:
            figures.append(whole_history(folders[1], server, max(1, given.repetitions // 2)))
    return report("validate", figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
