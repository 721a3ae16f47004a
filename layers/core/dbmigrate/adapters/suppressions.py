"""What a revision itself lets pass, read from its comments: ``# dbmigrate: allow DM104 because …``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

MARK = re.compile(r"#\s*db-?migrate\s*:\s*(.*)", re.IGNORECASE)
RULE = r"[\w./-]+"
ALLOW = re.compile(rf"allow\s+({RULE}(?:\s*,\s*{RULE})*)\s+because\b[\s:]*(.*\w.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Suppressions:
    """``allows`` are (rule, reason); ``misread`` are (line, comment) that begin like one and let nothing
    pass, most often for want of a reason."""

    allows: tuple[tuple[str, str], ...] = ()
    misread: tuple[tuple[int, str], ...] = ()


def read_suppressions(source: bytes) -> Suppressions:
    """What the comments of a revision file say. A string that looks like one is none."""
    allows: list[tuple[str, str]] = []
    misread: list[tuple[int, str]] = []
    for line, comment in _comments(source) if b"migrate" in source else ():
        marked = MARK.fullmatch(comment.strip())
        if marked is None:
            continue
        allowed = ALLOW.fullmatch(marked[1].strip())
        if allowed:
            rules = re.findall(RULE, allowed[1])
            allows += [(_rule(rule), allowed[2].strip()) for rule in rules]
        else:
            misread.append((line, comment.strip()))
    return Suppressions(tuple(allows), tuple(misread))


def _rule(name: str) -> str:
    return name.lower() if "/" in name else name.upper()


def _comments(source: bytes) -> Iterator[tuple[int, str]]:
    try:
        for token in tokenize.tokenize(io.BytesIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
    except (tokenize.TokenError, SyntaxError):
        return  # a file that is no Python is refused by whoever loads it
