"""Rules about indexes and the keys that are built on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbmigrate.domain.effects import Act, Effects
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.findings import Hit
from dbmigrate.domain.rules import write_instead as write
from dbmigrate.domain.rules.look import (
    WAITING,
    acts,
    kind_of,
    largest,
    listed,
    lock_on,
    numbered,
    short,
    sized,
    stops_writers,
    takes,
    worst,
)
from dbmigrate.domain.rules.register import rule

MAY_KEEP_AN_INVALID_ONE = re.compile(
    r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\b", re.IGNORECASE
)


@rule(
    "DM104",
    "index built while the application waits",
    hurts="building lasts as long as the table is large. CREATE INDEX takes SHARE meanwhile: reading goes "
    "on, and every insert, update and delete waits. A key (PRIMARY KEY, UNIQUE, EXCLUDE) takes ACCESS "
    "EXCLUSIVE, and with it even reading waits",
    instead="op.create_index_concurrently, which finds and clears what a broken build left; for a unique key "
    "op.add_unique, which then takes the lock for a moment only",
)
def plain_index(facts: Facts) -> Iterator[Hit]:
    """An index or a key of a table that exists today is built under a lock behind which its writers wait.
    Silent where the table is rewritten anyway, or becomes a partition: other rules speak of that. Severity:
    note for a small table, block for a large one."""
    for number, effects in numbered(facts):
        act = next(iter(effects.did("create index", "add constraint")), None)
        if act is None or effects.did("attach partition"):
            continue
        tables = [table for _, table in effects.builds if table not in effects.rewrites]
        table = largest(facts, tables)
        lock = lock_on(effects, table) if table else None
        if table and lock and stops_writers(lock):
            built = sorted({short(index) for index, of in effects.builds if of in tables})
            yield Hit(
                worst(facts, tables, statement=number),
                f"{_what(effects)} {takes(effects, table, lock)} {sized(facts, table)}: "
                f"{WAITING[lock]} until {_until(facts, number, built)}.",
                number,
                table,
                lock,
                _concurrently(facts, effects, act),
            )


def _until(facts: Facts, number: int, built: list[str]) -> str:
    here, *later = facts.evidence.statements[number - 1 :]
    if any(other.transaction == here.transaction for other in later):
        return f"the revision's end, as it goes on when {listed(built)} {_be(built)} built"
    return f"{listed(built)} {_be(built)} built"


def _be(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _what(effects: Effects) -> str:
    for act in effects.did("add constraint"):
        return f"ADD {(act.now or '').partition('(')[0].partition(' USING')[0].strip()}"
    return "CREATE INDEX"


def _concurrently(facts: Facts, effects: Effects, act: Act) -> str | None:
    partitioned = kind_of(facts.before, act.table) == "p"
    if partitioned or effects.did("add column") or len(effects.did("create index", "add constraint")) > 1:
        return None
    if act.kind == "create index":
        return write.index(act.name, act.table, act.now or "")
    return write.key(act.name, act.table, act.now or "")


@rule(
    "DM110",
    "index dropped while the application waits",
    hurts="DROP INDEX takes ACCESS EXCLUSIVE on the table. It needs it for a moment only, but it waits for "
    "every query that runs on the table, and all later ones wait behind it",
    instead="op.drop_index_concurrently",
)
def plain_drop(facts: Facts) -> Iterator[Hit]:
    """An index of a table that exists today is dropped, not CONCURRENTLY, and neither with its table, its
    column nor its constraint. Severity: note for a small table, review for a large one."""
    for number, effects, act in acts(facts, "drop index"):
        with_it = effects.did("drop table", "drop column", "drop constraint", "retype column")
        if with_it or act.table in effects.rewrites or lock_on(effects, act.table) != "ACCESS EXCLUSIVE":
            continue
        yield Hit(
            facts.severity(act.table, "review"),
            f"DROP INDEX {short(act.name)} takes ACCESS EXCLUSIVE on {sized(facts, act.table)}: "
            "every query waits until it has the lock, which it gets only between two of them.",
            number,
            act.table,
            "ACCESS EXCLUSIVE",
            write.drop_index(act.name, act.table, act.was or ""),
        )


@rule(
    "DM111",
    "index rebuilt while the application waits",
    hurts="REINDEX takes SHARE on the table and ACCESS EXCLUSIVE on the index: writers wait until it is "
    "done, and so does every query that plans to use the index",
    instead="REINDEX … CONCURRENTLY in autocommit_block, alone in its revision",
)
def plain_reindex(facts: Facts) -> Iterator[Hit]:
    """Indexes of a table that exists today are built again, not CONCURRENTLY, though nothing about the table
    changes. Severity: note for a small table, block for a large one."""
    for number, effects in numbered(facts):
        if effects.acts or effects.rewrites or effects.truncates:
            continue
        for table in dict.fromkeys(table for _, table in effects.builds):
            lock = lock_on(effects, table)
            if lock and stops_writers(lock) and facts.exists(table):
                indexes = [index for index, of in effects.builds if of == table]
                yield Hit(
                    facts.severity(table, statement=number),
                    f"REINDEX takes {lock} on {sized(facts, table)}: {WAITING[lock]}, and so does every "
                    f"query that would use {listed(map(short, indexes))}, until it is done.",
                    number,
                    table,
                    lock,
                    write.reindex(indexes),
                )


@rule(
    "DM112",
    "an invalid index may be taken for the new one",
    hurts="a build that was broken off leaves an index that is INVALID: it costs every write and serves no "
    "query. IF NOT EXISTS finds its name, says so in a NOTICE, and the revision succeeds with no index built",
    instead="op.create_index_concurrently: it drops what its own broken build left, builds it again, and "
    "refuses an index that is not the one it means",
)
def may_accept_an_invalid_index(facts: Facts) -> Iterator[Hit]:
    """CREATE INDEX CONCURRENTLY IF NOT EXISTS on a table that exists today. Severity: review."""
    for number, effects in numbered(facts):
        if not MAY_KEEP_AN_INVALID_ONE.search(effects.sql):
            continue
        act = next(iter(effects.did("create index")), None)
        if act is not None and not facts.exists(act.table):
            continue
        yield Hit(
            "review",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS does nothing when a broken build has left an INVALID "
            "index of that name, and succeeds.",
            number,
            act.table if act else None,
            instead=write.index(act.name, act.table, act.now or "") if act else None,
        )
