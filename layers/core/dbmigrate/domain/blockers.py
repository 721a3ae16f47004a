"""What in the live database would hold a revision up, or be held up behind it: foretold from its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dbmigrate.domain.effects import LOCK_MODES, Effects
from dbmigrate.domain.evidence import RevisionEvidence
from dbmigrate.domain.prediction import predict
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.words import counted, size

CONFLICTS: Mapping[str, tuple[str, ...]] = {
    "ACCESS SHARE": LOCK_MODES[7:],
    "ROW SHARE": LOCK_MODES[6:],
    "ROW EXCLUSIVE": LOCK_MODES[4:],
    "SHARE UPDATE EXCLUSIVE": LOCK_MODES[3:],
    "SHARE": (*LOCK_MODES[2:4], *LOCK_MODES[5:]),
    "SHARE ROW EXCLUSIVE": LOCK_MODES[2:],
    "EXCLUSIVE": LOCK_MODES[1:],
    "ACCESS EXCLUSIVE": LOCK_MODES,
}
"""Which modes of others each mode waits for: table 13.2 of the PostgreSQL documentation."""

YOUNG_SECONDS = 1.0
"""A younger transaction ends soon: the quick tries of a revision outlast it."""
YOUNG_SNAPSHOT_SECONDS = 60.0
"""What CONCURRENTLY outwaits by itself, while nobody queues behind it."""
LAG_SECONDS = 30.0
"""A replica further behind than that should not be given more to replay."""
MUCH_WAL = 100 * 10**6
"""Bytes of log from which a slot that nobody reads is worth a word."""
CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
# What autocommit statements without a known lock wait for, and what most DDL takes.
DML = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|MERGE|SELECT|WITH|COPY)\b", re.IGNORECASE)
MODES = (
    (re.compile(r"\bCONCURRENTLY\b|\bVALIDATE\s+CONSTRAINT\b|\s*COMMENT\b", re.IGNORECASE), LOCK_MODES[3]),
    (re.compile(r"\s*CREATE\s+(?:UNIQUE\s+)?INDEX\b", re.IGNORECASE), "SHARE"),
    (re.compile(r"\bFOREIGN\s+KEY\b|\bREFERENCES\b|\bCREATE\s+TRIGGER\b", re.IGNORECASE), LOCK_MODES[5]),
)


@dataclass(frozen=True)
class Wanted:
    """A relation, the modes of others that one waits for there, and how old (in seconds) a transaction must
    be to count."""

    relation: str
    modes: tuple[str, ...]
    seconds: float = YOUNG_SECONDS


@dataclass(frozen=True)
class Foretold:
    """What a revision will ask of the live database. ``snapshots``: it waits for every older transaction of
    the database. ``wal_bytes`` is what it writes to the log."""

    wanted: tuple[Wanted, ...] = ()
    snapshots: bool = False
    wal_bytes: int = 0

    def patient(self) -> Foretold:
        """The same, of transactions that are older than what CONCURRENTLY outwaits."""
        wanted = (replace(each, seconds=YOUNG_SNAPSHOT_SECONDS) for each in self.wanted)
        return replace(self, wanted=tuple(wanted))


@dataclass(frozen=True)
class Blocker:
    """One thing in the way. ``kind`` is one of KINDS, ``text`` names it. ``pid`` and ``transaction`` (the
    virtual id, as pg_locks shows it to everybody) identify a session that may be ended, where ``endable``."""

    kind: str
    text: str
    pid: int | None = None
    transaction: str = ""
    endable: bool = False


KINDS = ("lock", "snapshot", "vacuum", "prepared", "slot", "replica")


def foretell(seen: RevisionEvidence, direction: str, sizes: Mapping[str, Size] | None = None) -> Foretold:
    """What the revision will ask for, from its rehearsal. The way down was not watched statement by
    statement, so it is taken to lock what the way up locked or made, as strongly as there is."""
    if direction == "downgrade":
        return _way_down(seen)
    modes: dict[tuple[str, float], set[str]] = {}
    for statement in seen.statements:
        for lock in statement.locks:
            found = modes.setdefault((lock.relation, _patience(statement)), set())
            found |= {*CONFLICTS[lock.mode], *(CONFLICTS["SHARE"] if _is_concurrent(statement) else ())}
    wal = sum(estimate.wal_bytes for estimate in predict(seen.statements, sizes or {}, set(sizes or {})))
    return Foretold(_wanted(modes), any(map(_is_concurrent, seen.statements)), wal)


def _way_down(seen: RevisionEvidence) -> Foretold:
    concurrent = any(CONCURRENTLY.search(sql) for sql in seen.down_sql)
    mode = "SHARE UPDATE EXCLUSIVE" if concurrent else "ACCESS EXCLUSIVE"
    locked = {lock.relation for statement in seen.statements for lock in statement.locks}
    made = {act.name for statement in seen.statements for act in statement.did("create table")}
    seconds = YOUNG_SNAPSHOT_SECONDS if concurrent else YOUNG_SECONDS
    modes = {(relation, seconds): {*CONFLICTS[mode]} for relation in locked | made}
    return Foretold(_wanted(modes), concurrent)


def _wanted(modes: Mapping[tuple[str, float], set[str]]) -> tuple[Wanted, ...]:
    return tuple(
        Wanted(relation, tuple(sorted(found, key=LOCK_MODES.index)), seconds)
        for (relation, seconds), found in sorted(modes.items())
    )


def _patience(statement: Effects) -> float:
    return YOUNG_SNAPSHOT_SECONDS if _is_concurrent(statement) else YOUNG_SECONDS


def _is_concurrent(statement: Effects) -> bool:
    return statement.autocommit and bool(CONCURRENTLY.search(statement.sql))


def waits_for(statement: str) -> tuple[str, ...]:
    """The modes of others that a statement waits for, as its first words tell; those of a row's lock where it
    moves rows."""
    if DML.match(statement):
        return LOCK_MODES[1:]
    mode = next((mode for pattern, mode in MODES if pattern.search(statement)), "ACCESS EXCLUSIVE")
    return CONFLICTS[mode]


def in_pg_locks(mode: str) -> str:
    """A lock mode as pg_locks writes it."""
    return mode.title().replace(" ", "") + "Lock"


def session_text(row: Mapping[str, Any], grantee: str) -> str:
    """A session in one line: pid, name, role, what it holds, since when, and the first words of its query.
    To a role that may not read the statistics of others only the locks are told, so it says what helps."""
    locks = f" [{row['held']}]" if row["held"] else ""
    who = f"pid {row['pid']} ({row['name'] or 'no name'}) of {row['owner'] or 'the server'}"
    if row["age"] is None:
        return f"{who}{locks}, more with: GRANT pg_read_all_stats TO {grantee}"
    since = f", in a transaction for {_seconds(row['age'])}"
    query = " ".join((row["query"] or "").split())[:80]
    running = f", {row['state'] or 'at work'} for {_seconds(row['query_age'])}" if row["query_age"] else ""
    return f"{who}{locks}{since}{running}: {query}"


def _seconds(age: float) -> str:
    return f"{age:.0f} s" if age >= 1 else "less than 1 s"


def slot_blocker(name: str, active: bool, kept: int, most: int | None, wal_bytes: int) -> Blocker | None:
    """A replication slot that the revision's log would break, or that keeps the log for nobody.

    ``kept`` bytes are retained for it, ``most`` may be: None is no limit.
    """
    if most is not None and kept + wal_bytes > most:
        return Blocker(
            "slot",
            f"replication slot {name} keeps {size(kept)} of log; {size(wal_bytes)} more would pass "
            f"max_slot_wal_keep_size ({size(most)}) and break its subscriber",
        )
    if not active and wal_bytes >= MUCH_WAL:
        return Blocker(
            "slot",
            f"replication slot {name} is inactive and keeps {size(kept)} of log; this writes up to "
            f"{size(wal_bytes)} more. If nobody needs it: SELECT pg_drop_replication_slot('{name}')",
        )
    return None


def replica_blocker(name: str, lag: float) -> Blocker:
    """A replica that is too far behind."""
    return Blocker("replica", f"replica {name or 'without a name'} is {_seconds(lag)} behind")


def told(blockers: Iterable[Blocker]) -> str:
    """All of them in one text, the first ten by name."""
    texts = [blocker.text for blocker in blockers]
    more = [f"and {counted(len(texts) - 10, 'other')}"] if len(texts) > 10 else []
    return "; ".join([*texts[:10], *more])


def endable(blockers: Iterable[Blocker]) -> Iterator[Blocker]:
    """Those that an approved --terminate-blockers ends."""
    return (blocker for blocker in blockers if blocker.endable and blocker.pid is not None)
