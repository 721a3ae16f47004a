"""The wall time of `make demo` when its environment is ready: what a newcomer waits for, the second time.

The first run only makes the environment ready and is not counted. Without a terminal the demo approves
through its own page, so no person's time is in it.
"""

from __future__ import annotations

import sys

from benchmarks.measure import ROOT, Figure, options, report, seconds_of

BOUND = 30.0


def main() -> int:
    given = options(__doc__, repetitions=3).parse_args()
    seconds = [seconds_of(["make", "demo"], ROOT) for _ in range(given.repetitions + 1)][1:]
    return report("demo", [Figure("second make demo", seconds, (), BOUND)], given.json)


if __name__ == "__main__":
    sys.exit(main())
