"""What all benchmarks share: two commands in turns, medians with their spread, a report, an exit code."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and the largest value behind it."""

    values: Sequence[float]

    def to_json(self) -> dict[str, float]:
        return {
            "median": round(median(self.values), 4),
            "min": round(min(self.values), 4),
            "max": round(max(self.values), 4),
        }

    def __str__(self) -> str:
        return f"{median(self.values):.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


@dataclass(frozen=True)
class Figure:
    """One measured thing. With ``theirs`` it is a ratio, taken pair by pair: what a neighbour's load does
    to both does not count. Without, it is a plain value in ``unit``. ``bound`` None only reports.
    """

    name: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    bound: float | None = None
    unit: str = "s"
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def judged(self) -> Spread:
        """What the bound is for."""
        if not self.theirs:
            return Spread(self.ours)
        return Spread([ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=True)])

    @property
    def kept(self) -> bool:
        return self.bound is None or median(self.judged.values) <= self.bound

    def to_json(self) -> dict[str, Any]:
        sides = {"ours": self.ours, "theirs": self.theirs} if self.theirs else {}
        return {
            "name": self.name,
            "ratio" if self.theirs else "value": self.judged.to_json(),
            **{side: Spread(values).to_json() for side, values in sides.items()},
            "unit": self.unit,
            "repetitions": len(self.ours),
            "bound": self.bound,
            "kept": self.kept,
            **self.notes,
        }

    def __str__(self) -> str:
        bound = "" if self.bound is None else f"   bound {self.bound:g}: {'kept' if self.kept else 'MISSED'}"
        if not self.theirs:
            return f"{self.name}: {self.judged} {self.unit}{bound}"
        sides = f"ours {Spread(self.ours)} {self.unit}, theirs {Spread(self.theirs)} {self.unit}"
        return f"{self.name}: ratio {self.judged}{bound}\n    {sides}, {len(self.ours)} pairs"


def in_turns(
    pairs: int, ours: Callable[[int], float], theirs: Callable[[int], float]
) -> tuple[list[float], list[float]]:
    """Measure both sides alternately. Pair 0 only warms the caches and is not counted."""
    found: tuple[list[float], list[float]] = ([], [])
    for pair in range(pairs + 1):
        values = ours(pair), theirs(pair)
        if pair:
            found[0].append(values[0])
            found[1].append(values[1])
    return found


def seconds_of(
    command: Sequence[str | Path], folder: Path | None = None, accepted: Sequence[int] = (0,)
) -> float:
    """Wall time of one whole process. Ends the benchmark with the process's own words when its exit code is
    none of the accepted ones."""
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode not in accepted:
        said = (done.stdout + done.stderr)[-4000:]
        sys.exit(f"{' '.join(map(str, command))}\nfailed with {done.returncode}:\n{said}")
    return seconds


def options(description: str | None, repetitions: int) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON document")
    parser.add_argument("--repetitions", type=int, default=repetitions, help=f"default: {repetitions}")
    return parser


def report(name: str, figures: Sequence[Figure], as_json: bool) -> int:
    """Print the figures; returns the exit code: 1 when a bound was missed."""
    if as_json:
        found = {"benchmark": name, "figures": [figure.to_json() for figure in figures], "machine": machine()}
        print(json.dumps(found, indent=2))
    else:
        for figure in figures:
            print(figure)
    return 0 if all(figure.kept for figure in figures) else 1


def machine() -> dict[str, Any]:
    """What figures are to be read with: cores, and how busy they were."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
    }
