"""op.backfill of 2,000,000 rows under load, against one UPDATE of the same rows.

Why it is fair: both are one revision, on the same server, in turns, each on a fresh copy of the same table
with the same load (benchmarks.load) and long readers; ours by `db-migrate deploy`, the UPDATE by `alembic
upgrade head`. Rows a second count the whole process, from start to exit. "Quiet" is the same load on the
same copy before it. A first pair is not counted: on a server that has just begun, who writes first makes the
files of the log, which one that has been at work has.

Two bounds: at least 0.6 of the single UPDATE's rows a second, and a p99 of the traffic of at most twice the
quiet one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import machine
from benchmarks.samples import percentile
from benchmarks.standard_suite import Change, Delivery, make_base
from benchmarks.traffic import OURS, SERVER, Trial, trial
from dbmigrate_local.embedded import embedded_postgres

LEAST_SHARE = 0.6
MOST_TIMES_QUIET = 2.0
THEIRS = "alembic"
CHANGES = {
    OURS: Change("backfill", 'op.backfill("orders", {"channel": "\'web\'"})'),
    THEIRS: Change("backfill", "op.execute(\"UPDATE orders SET channel = 'web'\")"),
}


def measure(rows: int, quiet: float, repetitions: int) -> dict[str, list[Trial]]:
    """Both in turns."""
    found: dict[str, list[Trial]] = {OURS: [], THEIRS: []}
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-backfill-") as folder,
        embedded_postgres(Path(folder) / "postgres", SERVER) as server,
    ):
        make_base(server, "base", rows)
        server.execute("ALTER TABLE orders ADD channel text", "base")
        for number in range(1 + repetitions):
            for name, trials in found.items():
                place, deliveries = Path(folder) / str(number), [Delivery([CHANGES[name]])]
                trials.append(trial(server, place, name, rows, quiet, deliveries))
                server.drop_database(name)
    return {name: trials[1:] for name, trials in found.items()}


def figures(found: dict[str, list[Trial]], rows: int) -> dict[str, Any]:
    """The document that --json prints. Shares are taken pair by pair, of what ran one after the other."""
    pairs = zip(found[OURS], found[THEIRS], strict=True)
    share = median(_seconds(theirs) / _seconds(ours) for ours, theirs in pairs)
    times = median(_times_quiet(ours) for ours in found[OURS])
    complete = not any(trial.gave_up for trials in found.values() for trial in trials)
    return {
        "benchmark": "backfill",
        "rows": rows,
        **{name: [_told(trial, rows) for trial in trials] for name, trials in found.items()},
        "share_of_single_update": round(share, 3),
        "least_share": LEAST_SHARE,
        "p99_times_quiet": round(times, 2),
        "most_times_quiet": MOST_TIMES_QUIET,
        "kept": complete and share >= LEAST_SHARE and times <= MOST_TIMES_QUIET,
        "machine": machine(),
    }


def _seconds(trial: Trial) -> float:
    return trial.end - trial.begin


def _times_quiet(trial: Trial) -> float:
    return percentile(trial.samples, 0.99) / percentile(trial.quiet, 0.99)


def _told(trial: Trial, rows: int) -> dict[str, Any]:
    return {"rows_per_second": round(rows / _seconds(trial)), **trial.to_json()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON document")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--quiet", type=float, default=15.0, help="seconds of load before each begins")
    parser.add_argument("--repetitions", type=int, default=7)
    given = parser.parse_args()
    found = figures(measure(given.rows, given.quiet, given.repetitions), given.rows)
    print(json.dumps(found, indent=None if given.json else 2))
    return 0 if found["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
