"""What an application notices while the standard suite runs: db-migrate, alembic, dbmate and yoyo.

Why it is fair: all run on the same server, one after the other, each on a fresh copy of the same database,
with the same load (benchmarks.load) and the same long readers; each is the program that its own
documentation tells people to run. The peers apply the changes as people write them, ours as its safe
operations; what the application has to do in either case, it does (benchmarks.standard_suite).

Every request that was due between the first delivery's start and the last one's end counts, with its whole
latency. "Quiet" is the same load before that. The worst stall may be one and a half times the lock budget,
above which only the machine itself may have it wait: so the bound is for the stall less the quiet one's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import PER_SECOND, Load, load_on
from benchmarks.measure import machine
from benchmarks.runners import RUNNERS, Runner, RunnerFailed
from benchmarks.samples import Sample, between, percentile, told
from benchmarks.standard_suite import Delivery, make_base
from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

OURS = "db-migrate"
LOCK_BUDGET_MS = 100
WARM_SECONDS = 3.0
SERVER = {"fsync": "on", "full_page_writes": "on", "shared_buffers": "512MB", "max_wal_size": "4GB"}


@dataclass
class Trial:
    """One runner under load: the quiet requests, those during its work, and how long that took."""

    runner: Runner
    quiet: list[Sample]
    samples: list[Sample]
    begin: float
    end: float
    gave_up: str = ""

    @property
    def over_budget_ms(self) -> float:
        """How much longer the worst request waited than the worst quiet one."""
        return max(s.ms for s in self.samples) - max(s.ms for s in self.quiet)

    def to_json(self) -> dict[str, Any]:
        return {
            **told(self.samples),
            "seconds": round(self.end - self.begin, 1),
            "quiet": told(self.quiet),
            "started_again": self.runner.again,
            **({"gave_up": self.gave_up} if self.gave_up else {}),
        }


def trial(
    server: EmbeddedPostgres,
    folder: Path,
    name: str,
    rows: int,
    quiet: float,
    deliveries: Sequence[Delivery] = (),
) -> Trial:
    """Run the suite (or other deliveries) once with one runner, on a copy of the base that bears its
    name."""
    url = server.create_database(name, template="base")
    server.execute("CHECKPOINT")
    runner, gave_up = RUNNERS[name](folder, url), ""
    with load_on(url, rows) as load:
        warm = time.time() + WARM_SECONDS
        time.sleep(WARM_SECONDS + quiet)
        begin = time.time()
        try:
            _run(runner, deliveries or runner.deliveries, load)
        except RunnerFailed as failed:
            gave_up = str(failed)
        end = time.time()
        time.sleep(1)
    samples = between(load.samples, begin, end)
    return Trial(runner, between(load.samples, warm, begin), samples, begin, end, gave_up)


def _run(runner: Runner, deliveries: Sequence[Delivery], load: Load) -> None:
    for delivery in deliveries:
        runner.deliver(delivery.changes)
        load.release(**delivery.release)


def measure(names: list[str], rows: int, quiet: float) -> list[Trial]:
    """One trial each, on one server."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-traffic-") as folder,
        embedded_postgres(Path(folder) / "postgres", SERVER) as server,
    ):
        make_base(server, "base", rows)
        trials = []
        for name in names:
            trials.append(trial(server, Path(folder), name, rows, quiet))
            server.drop_database(name)
        return trials


def figures(trials: list[Trial], rows: int) -> dict[str, Any]:
    """The document that --json prints."""
    quiet = [sample for found in trials for sample in found.quiet]
    return {
        "benchmark": "traffic",
        "lock_budget_ms": LOCK_BUDGET_MS,
        "rows": rows,
        "requests_per_second": PER_SECOND,
        "quiet": told(quiet),
        **{found.runner.name: found.to_json() for found in trials},
        "times_better": _times_better(trials),
        "kept": kept(trials),
        "machine": machine(),
        "series": {found.runner.name: _series(found) for found in trials},
    }


def kept(trials: list[Trial]) -> bool:
    """Whether ours kept its word: nothing failed, nothing over a second, the stall within the budget."""
    found = next((found for found in trials if found.runner.name == OURS), None)
    if found is None or found.gave_up:
        return False
    said = told(found.samples)
    within = found.over_budget_ms <= 1.5 * LOCK_BUDGET_MS
    return within and said["failed"] == said["over_1s"] == 0


def _times_better(trials: list[Trial]) -> dict[str, float]:
    worst = {found.runner.name: max(sample.ms for sample in found.samples) for found in trials}
    ours = worst.pop(OURS, None)
    return {name: round(ms / ours, 1) for name, ms in worst.items()} if ours else {}


def _series(found: Trial, seconds: float = 0.5) -> list[tuple[float, float, float]]:
    """For the plot: seconds since the beginning, the slowest request of each half second, and the median."""
    groups: dict[int, list[Sample]] = {}
    for sample in [*found.quiet, *found.samples]:
        groups.setdefault(int((sample.due - found.begin) // seconds), []).append(sample)
    return [
        (key * seconds, round(max(sample.ms for sample in group), 1), round(percentile(group, 0.5), 2))
        for key, group in sorted(groups.items())
    ]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON document")
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders, of which all are backfilled")
    parser.add_argument("--quiet", type=float, default=15.0, help="seconds of load before each runner starts")
    parser.add_argument("--runners", nargs="+", default=list(RUNNERS), choices=list(RUNNERS))
    given = parser.parse_args()
    trials = measure(given.runners, given.rows, given.quiet)
    found = figures(trials, given.rows)
    if given.json:
        print(json.dumps(found))
    else:
        for name in ("quiet", *given.runners):
            print(name, {key: value for key, value in found[name].items() if key not in ("quiet", "series")})
    return 0 if found["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
