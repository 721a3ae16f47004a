"""The traffic's plot as SVG: the slowest request of each half second, on a logarithmic scale of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, log10

WIDTH, HEIGHT = 860, 400
LEFT, RIGHT, TOP, BOTTOM = 90, 120, 40, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Told apart by the colour-blind too (Okabe and Ito)."""
LOWEST_MS, MIDDLE = 1.0, 'text-anchor="middle"'

Line = Sequence[Sequence[float]]


def plot(title: str, lines: Mapping[str, Line], bound_ms: float) -> str:
    """``lines`` hold (second, ms, …) for each name; the bound is drawn across."""
    first, last = _ends(lines)
    top = 10 ** ceil(log10(max(point[1] for line in lines.values() for point in line)))

    def x(second: float) -> float:
        return LEFT + (second - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(ms: float) -> float:
        share = log10(max(ms, LOWEST_MS) / LOWEST_MS) / log10(top / LOWEST_MS)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text x="{LEFT}" y="20" font-size="15">{title}</text>', *_grid(x, y, first, last, top)]
    parts.append(
        f'<path d="M{LEFT} {y(bound_ms):.1f}H{WIDTH - RIGHT}" stroke="#000" stroke-dasharray="6 4"/>'
        f'<text x="{WIDTH - RIGHT + 6}" y="{y(bound_ms) + 4:.1f}">{bound_ms:g} ms</text>'
    )
    for number, (name, line) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x(point[0]):.1f},{y(point[1]):.1f}" for point in line)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT + 6}" y="{TOP + 18 * number + 10}" fill="{colour}">{name}</text>'
        )
    return _svg(parts)


def _ends(lines: Mapping[str, Line]) -> tuple[float, float]:
    seconds = [point[0] for line in lines.values() for point in line]
    return min(seconds), max(seconds)


def _grid(x: object, y: object, first: float, last: float, top: float) -> Iterator[str]:
    assert callable(x) and callable(y)
    ms = LOWEST_MS
    while ms <= top:
        yield f'<path d="M{LEFT} {y(ms):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y(ms) + 4:.1f}" text-anchor="end">{ms:g} ms</text>'
        ms *= 10
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if (last - first) / step <= 12)
    second = ceil(first / step) * step
    while second <= last:
        yield f'<text x="{x(second):.1f}" y="{HEIGHT - BOTTOM + 18}" {MIDDLE}>{second:g}</text>'
        second += step
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle:g}" y="{HEIGHT - 10}" {MIDDLE}>seconds since the suite began</text>'


def _svg(parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f"{body}\n</svg>\n"
    )
