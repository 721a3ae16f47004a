"""The unzipped size of the core layer, of which Lambda allows 250 MB together with the function; ours is
100 MB.

Counts the bytes of every file in the built layer (`make build`), not the blocks on disk: that is what
Lambda counts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measure import ROOT, Figure, options, report

LAYER = ROOT / ".aws-sam" / "build" / "CoreLayer"
BOUND = 100.0
MB = 1_000_000


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def packages(folder: Path, most: int = 6) -> dict[str, float]:
    """The largest packages, in MB."""
    found = {path.name: size_of(path) / MB for path in (folder / "python").iterdir() if path.is_dir()}
    return {name: round(found[name], 1) for name in sorted(found, key=lambda name: -found[name])[:most]}


def main() -> int:
    given = options(__doc__, repetitions=1).parse_args()
    if not (LAYER / "python").is_dir():
        print("building the layer: make build", file=sys.stderr)
        subprocess.run(["make", "build"], cwd=ROOT, check=True, stdout=sys.stderr)
    figure = Figure(
        "core layer, unzipped", [size_of(LAYER) / MB], (), BOUND, "MB", {"largest_packages": packages(LAYER)}
    )
    return report("layer_size", [figure], given.json)


if __name__ == "__main__":
    sys.exit(main())
