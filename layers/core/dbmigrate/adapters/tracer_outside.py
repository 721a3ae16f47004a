"""Statements outside of a transaction: which can be put into one of ours and be measured like all others, and
the fixed rules for those that cannot, whose locks are gone before anybody can look.

The rules are those of the pages on explicit locking, CREATE INDEX, REINDEX, ALTER TABLE and VACUUM in the
PostgreSQL documentation; a second connection has confirmed them (tests/adapters/test_tracer_outside.py).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from dbmigrate.domain.effects import Act, Lock, stronger
from dbmigrate.domain.statements import NAME, qualified

ABLE = re.compile(
    r"^\s*(?:SELECT|VALUES|INSERT|UPDATE|DELETE|MERGE|WITH|ALTER|CREATE|DROP|COMMENT|GRANT|REVOKE|TRUNCATE|"
    r"REFRESH|ANALYZE|DO)\b",
    re.IGNORECASE,
)
UNABLE = re.compile(
    r"^\s*(?:(?:CREATE|DROP)\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY|ALTER\s+SYSTEM|"
    r"(?:CREATE|ALTER|DROP)\s+(?:DATABASE|TABLESPACE|SUBSCRIPTION)|"
    r"ALTER\s+TABLE\b.*\bDETACH\s+PARTITION\b.*\bCONCURRENTLY|DO\b.*\b(?:COMMIT|ROLLBACK)\b)",
    re.IGNORECASE | re.DOTALL,
)
COMMENTS = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/)+", re.DOTALL)
CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
REINDEX = re.compile(r"^\s*REINDEX\b", re.IGNORECASE)
VACUUM = re.compile(
    rf"^\s*VACUUM(?:\s*\([^)]*\))?(?:\s+(?:FULL|FREEZE|VERBOSE|ANALYZE)\b)*\s+({NAME}(?:\s*,\s*{NAME})*)",
    re.IGNORECASE,
)
SHARED, WRITERS, ALL = "SHARE UPDATE EXCLUSIVE", "SHARE", "ACCESS EXCLUSIVE"


def fits_transaction(sql: str) -> bool:
    """Whether PostgreSQL runs the statement in a transaction just as well as outside."""
    text = COMMENTS.sub("", sql)
    return bool(ABLE.match(text)) and not UNABLE.match(text)


def locks_by_rule(
    sql: str,
    acts: Iterable[Act],
    builds: Iterable[tuple[str, str]],
    rewrites: Iterable[str],
    existing: Collection[str],
) -> tuple[Lock, ...]:
    """The strongest lock on each table that was there."""
    text, strongest = COMMENTS.sub("", sql), dict[str, str]()
    for table, mode in _locks(text, acts, builds, rewrites):
        if table in existing and (table not in strongest or stronger(mode, strongest[table])):
            strongest[table] = mode
    return tuple(Lock(table, strongest[table]) for table in sorted(strongest))


def _locks(
    text: str, acts: Iterable[Act], builds: Iterable[tuple[str, str]], rewrites: Iterable[str]
) -> Iterator[tuple[str, str]]:
    concurrent = bool(CONCURRENTLY.search(text))
    for table in rewrites:
        yield table, ALL
    for _, table in builds:
        yield table, SHARED if concurrent else WRITERS
    for act in acts:
        if act.kind == "detach partition" and concurrent:
            yield act.table, SHARED
            yield act.name, ALL  # for a moment at its end, when the parent's queries no longer see it
        elif not REINDEX.match(text):
            yield act.table, SHARED if concurrent else ALL
    if names := VACUUM.match(text):
        for name in re.split(r"\s*,\s*", names[1]):
            yield qualified(name), SHARED


def scans_by_rule(sql: str, builds: Iterable[tuple[str, str]], rewrites: Iterable[str]) -> Sequence[str]:
    """Tables that were read in full; CONCURRENTLY reads twice, so it is there twice."""
    twice = 2 if CONCURRENTLY.search(COMMENTS.sub("", sql)) else 1
    read = {*rewrites, *(table for _, table in builds)}
    return sorted(table for table in read for _ in range(twice))
