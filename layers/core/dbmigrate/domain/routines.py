"""Which routines' bodies a list of statements runs, and which it only writes down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dbmigrate.domain.statements import COMMENT, NAME, qualified

# A routine up to its body, and the body in quotes of any kind; one in SQL's own notation is taken as run.
DEFINED = re.compile(
    rf"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\s+({NAME})([^;]*?)\bAS\s*"
    r"(?:\$(\w*)\$.*?\$\3\$|'(?:[^']|'')*')",
    re.IGNORECASE | re.DOTALL,
)
# What names a routine without calling it. A trigger calls it when rows are written.
QUIET = re.compile(
    r"\s*(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER|CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|"
    r"PROCEDURE)|(?:ALTER|DROP)\s+(?:FUNCTION|PROCEDURE|ROUTINE|TRIGGER)|COMMENT|GRANT|REVOKE|SET)\b",
    re.IGNORECASE,
)
REMARK = re.compile(r"^\s*COMMENT\s+ON\b.*\Z", re.IGNORECASE | re.DOTALL)
WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|DO|CALL|SELECT|EXECUTE)\b", re.IGNORECASE)
FIRED = re.compile(r"\bRETURNS\s+trigger\b", re.IGNORECASE)


def executed(statements: Sequence[str]) -> list[str]:
    """The statements without what they only say: comments on objects, and the bodies of routines that none
    of them calls. A trigger's is called where rows may be written; a doubt counts as a call."""
    said = ["" if REMARK.match(COMMENT.sub(" ", each)) else each for each in statements]
    calling = list(_calling(said))
    writing = any(WRITES.search(each) for each in calling)

    def kept(match: re.Match[str]) -> str:
        name = qualified(match[1]).rpartition(".")[2]
        called = any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", each, re.IGNORECASE) for each in calling)
        fired = writing and FIRED.search(match[0])
        return match[0] if called or fired else f"CREATE FUNCTION {match[1]}"

    return [DEFINED.sub(kept, each) for each in said]


def _calling(statements: Sequence[str]) -> Iterator[str]:
    """The parts that may call a routine."""
    for statement in statements:
        text = DEFINED.sub("CREATE FUNCTION", COMMENT.sub(" ", statement))
        yield from (part for part in text.split(";") if not QUIET.match(part))
