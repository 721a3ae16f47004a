"""One string with several statements, taken apart as psql would."""

from __future__ import annotations

import re
from collections.abc import Iterator

# What may hold a semicolon that ends nothing; a dollar quote ends at its own tag.
OPAQUE = re.compile(
    r"""(?P<string>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*")
      | (?P<comment>--[^\n]* | /\*.*?\*/)
      | (?P<dollar>(?<![\w$])(?:\$\$.*?\$\$ | \$(?P<tag>[A-Za-z_]\w*)\$.*?\$(?P=tag)\$))
      | (?P<mark>[();])""",
    re.VERBOSE | re.DOTALL,
)
BODY = re.compile(r"\bBEGIN\s+ATOMIC\b", re.IGNORECASE)


def split(text: str) -> list[str]:
    """The statements, without the semicolons between them; the text itself where a body in SQL's own
    notation (BEGIN ATOMIC … END) makes that uncertain."""
    if ";" not in text or BODY.search(text):
        return [text]
    return [piece for piece in map(str.strip, _pieces(text)) if _says_something(piece)] or [text]


def _pieces(text: str) -> Iterator[str]:
    start = at = depth = 0
    while found := OPAQUE.search(text, at):
        at = found.end()
        mark = found["mark"]
        if mark in ("(", ")"):
            depth += 1 if mark == "(" else -1
        elif mark == ";" and depth <= 0:
            yield text[start : found.start()]
            start = at
    yield text[start:]


def _says_something(piece: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", piece, flags=re.DOTALL).strip())
