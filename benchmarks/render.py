"""Write measured figures into docs/benchmarks.md: `python -m benchmarks.render FILE.json…`.

Each file is what one of traffic, overhead and backfill printed with --json. Traffic's plot goes to
docs/traffic.svg.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.plot import plot

PAGE = ROOT / "docs" / "benchmarks.md"
PLOT = ROOT / "docs" / "traffic.svg"


def traffic(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each runner, and one for the quiet load."""
    yield "| runner | worst stall | p99 | over 1 s | failed | requests | seconds | worst stall, times ours |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in ("quiet", *found["series"]):
        one = found[name]
        cells = [f"{one['worst_stall_ms']:,.0f} ms", f"{one['p99_ms']:,.1f} ms"]
        cells += [f"{one[key]:,}" for key in ("over_1s", "failed", "requests")]
        cells += [str(one.get("seconds", "")), str(found["times_better"].get(name, ""))]
        yield f"| {name}{' (gave up)' if one.get('gave_up') else ''} | {' | '.join(cells)} |"
    yield ""
    yield f"Lock budget {found['lock_budget_ms']} ms; {found['rows']:,} orders; {_machine(found)}."
    yield ""
    yield "![The slowest request of each half second, by runner](traffic.svg)"


def backfill(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each trial."""
    yield "| | rows/s | p99 | quiet p99 | worst stall | failed |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, title in (("db-migrate", "op.backfill"), ("alembic", "one UPDATE")):
        for one in found[name]:
            cells = [f"{one['rows_per_second']:,}", f"{one['p99_ms']:,} ms", f"{one['quiet']['p99_ms']} ms"]
            yield f"| {title} | {' | '.join(cells)} | {one['worst_stall_ms']:,.0f} ms | {one['failed']} |"
    yield ""
    yield (
        f"{found['share_of_single_update']} of the single UPDATE's rows/s (at least {found['least_share']}); "
        f"p99 {found['p99_times_quiet']} times the quiet one (at most {found['most_times_quiet']}); "
        f"{found['rows']:,} rows; {_machine(found)}."
    )


def overhead(found: Mapping[str, Any]) -> Iterator[str]:
    """A row for each figure."""
    yield "| figure | ratio (min to max) | ours | theirs | pairs | bound |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in found["figures"]:
        ratio, sides = one["ratio"], [one[side]["median"] for side in ("ours", "theirs")]
        cells = [f"**{ratio['median']:.2f}** ({ratio['min']:.2f} to {ratio['max']:.2f})"]
        cells += [f"{seconds:.2f} s" for seconds in sides] + [str(one["repetitions"]), str(one["bound"])]
        yield f"| {one['name']} | {' | '.join(cells)} |"
    yield ""
    yield f"{_machine(found)}."


def _machine(found: Mapping[str, Any]) -> str:
    machine = found["machine"]
    return f"{machine['cores']} cores, Python {machine['python']}, load {machine['load']}"


TABLES: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "traffic": traffic,
    "backfill": backfill,
    "overhead": overhead,
}


def put(page: str, name: str, lines: str) -> str:
    """The page with the lines between its two marks of that name. Raises ValueError where there are none."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"{PAGE.name} has no place for {name}: <!-- {name} --> … <!-- end of {name} -->")
    return marked.sub(lambda found: f"{found[1]}{lines}\n{found[2]}", page)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    for file in parser.parse_args().files:
        found = json.loads(file.read_text())
        name = found["benchmark"]
        PAGE.write_text(put(PAGE.read_text(), name, "\n".join(TABLES[name](found))))
        if name == "traffic":
            title = "Slowest request of each half second during the standard suite"
            PLOT.write_text(plot(title, found["series"], 1.5 * found["lock_budget_ms"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
