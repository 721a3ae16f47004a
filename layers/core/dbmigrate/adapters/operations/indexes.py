"""Indexes built and dropped while the application writes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alembic.operations import Operations
from alembic.operations.schemaobj import SchemaObjects
from sqlalchemy import column
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, Index

from dbmigrate.adapters.operations.drivers import code_of, why
from dbmigrate.adapters.operations.look import (
    TWIN,
    WRITER,
    as_text,
    compare,
    full_name,
    is_partitioned,
    names_of,
    of_twin,
    oid_of,
    said,
    value,
)
from dbmigrate.adapters.operations.work import Work, work_again

POLL_SECONDS = 0.2
NOT_UNIQUE = "23505"
GONE = ("42704", "42P01")  # undefined_object, undefined_table

# A definition without the names that stand in it: unique or not, and all from USING on.
DEFINITION = """(CASE WHEN i.indisunique THEN 'UNIQUE' ELSE '' END) || substr(d.definition,
    strpos(d.definition, '.' || quote_ident(t.relname) || ' USING ') + length(quote_ident(t.relname)) + 1)"""
FROM_INDEX = """pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    CROSS JOIN LATERAL pg_get_indexdef(i.indexrelid) AS d(definition)"""
# What builds an index says so; to whoever may not read it, the lock on the table does. The last transaction
# has already said that it is done: it holds the index's line in the catalog until it commits.
BUILDING = """SELECT p.phase, CASE WHEN p.blocks_total > 0 THEN 100.0 * p.blocks_done / p.blocks_total END
      FROM pg_stat_progress_create_index p
      JOIN pg_locks l ON l.pid = p.pid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
      JOIN pg_index i ON i.indrelid = l.relation AND i.indexrelid = {oid}
     WHERE coalesce(p.index_relid, 0) IN (0, i.indexrelid)
    UNION ALL
    SELECT 'committing', 100 FROM pg_locks l JOIN pg_index i ON l.transactionid = i.xmax
     WHERE i.indexrelid = {oid}"""


@dataclass(frozen=True)
class Found:
    """An index that has the name. ``sql_name`` is that name in full."""

    oid: int
    valid: bool
    definition: str
    on: int
    sql_name: str


@dataclass(frozen=True)
class Wanted:
    """An index as a revision asks for it. ``columns`` are names, or expressions made by sqlalchemy.text."""

    name: str
    table: str
    schema: str | None
    columns: tuple[Any, ...]
    unique: bool = False
    where: Any = None
    using: str | None = None
    include: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """All that tells it from others."""
        return {"name": self.name, "schema": self.schema, "sql": self.sql(self.table, self.schema, True)}

    def sql(self, table: str, schema: str | None, concurrently: bool) -> str:
        """CREATE INDEX on that table."""
        index = SchemaObjects().index(
            self.name,
            table,
            [*self.columns],
            schema=schema,
            unique=self.unique,
            postgresql_concurrently=concurrently,
            postgresql_where=None if self.where is None else as_text(self.where),
            postgresql_using=self.using or False,
            postgresql_include=[column(name) for name in self.include],
        )
        return _written(index)

    def on_twin(self, work: Work) -> Any:
        """Its definition, as PostgreSQL reads it on a table of the same columns."""
        read = f"SELECT {DEFINITION} FROM {FROM_INDEX} WHERE i.indrelid = 'pg_temp.{TWIN}'::regclass"
        like = full_name(self.schema, self.table)
        return of_twin(work, self.sql(TWIN, "pg_temp", False), read, like)


def _written(index: Index) -> str:
    return " ".join(str(CreateIndex(index).compile(dialect=WRITER)).split("\n")).strip()


@Operations.register_operation("create_index_concurrently")
class CreateIndexConcurrently:
    @classmethod
    def create_index_concurrently(
        cls,
        operations: Operations,
        name: str,
        table: str,
        columns: Sequence[Any],
        *,
        unique: bool = False,
        where: Any = None,
        using: str | None = None,
        include: Sequence[str] = (),
        schema: str | None = None,
    ) -> None:
        """Build an index while others write. ``columns`` are names or sqlalchemy.text of expressions;
        ``where`` is the predicate of a partial index.

        What a killed build left INVALID is dropped and built anew. Raises RevisionFailed when the name is
        another index's, when somebody else's INVALID index has it, or when rows are not unique.
        """
        wanted = Wanted(name, table, schema, (*names_of(columns),), unique, where, using, (*include,))
        operation = "create_index_concurrently"
        with work_again(operations, operation, table, name, wanted.identity(), 1) as at:
            build(at, wanted)


@Operations.register_operation("drop_index_concurrently")
class DropIndexConcurrently:
    @classmethod
    def drop_index_concurrently(
        cls, operations: Operations, name: str, table: str | None = None, *, schema: str | None = None
    ) -> None:
        """Drop an index while others write; nothing when it is gone. Raises RevisionFailed when the index is
        not on ``table``."""
        identity = {"name": name, "schema": schema}
        with work_again(operations, "drop_index_concurrently", table or "", name, identity, 1) as at:
            _drop_named(at, name, table, schema)


def build(work: Work, wanted: Wanted) -> None:
    """The step that builds an index, or waits for whoever builds it, or finds it there."""
    title, sql = "build the index", wanted.sql(wanted.table, wanted.schema, True)
    with work.step(title):
        if work.offline:
            work.run(sql)
            return
        table = oid_of(wanted.schema, wanted.table)
        if is_partitioned(work, table):
            raise _partitioned(work, wanted)
        if not _is_there(work, wanted, title):
            work.claim()
            _run_build(work, wanted, title, sql)


def _is_there(work: Work, wanted: Wanted, title: str) -> bool:
    """Whether the index is there, as it should be. Waits for a build, and drops what a dead one left."""
    while (found := find(work, wanted)) and not found.valid:
        if building := work.ask(BUILDING.format(oid=found.oid)):
            _wait(work, title, *building[0])
        elif work.ours:
            drop(work, title, found.sql_name)
        else:
            raise _not_ours(work, found)
    if found:
        _refuse_another(work, wanted, found)
    return found is not None


def find(work: Work, wanted: Wanted) -> Found | None:
    """The index of that name in the table's schema."""
    table = oid_of(wanted.schema, wanted.table)
    rows = work.ask(
        f"SELECT i.indexrelid::bigint, i.indisvalid, {DEFINITION}, i.indrelid::bigint, "
        "format('%I.%I', n.nspname, c.relname) "
        f"FROM {FROM_INDEX} JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = "
        f"{value(wanted.name)} AND n.oid = (SELECT relnamespace FROM pg_class WHERE oid = {table})"
    )
    return Found(*rows[0]) if rows else None


def _refuse_another(work: Work, wanted: Wanted, found: Found) -> None:
    drop_it = f"DROP INDEX CONCURRENTLY {found.sql_name}"
    table = int(work.ask(f"SELECT {oid_of(wanted.schema, wanted.table)}::bigint")[0][0])
    there = found.definition if found.on == table else f"an index of another table ({found.definition})"
    compare(work, f"Index {found.sql_name}", there, lambda: wanted.on_twin(work), drop_it)


def _wait(work: Work, title: str, phase: str, percent: Any) -> None:
    """Another session builds it: ours of an invocation that ended, or somebody's."""
    told = None if percent is None else float(percent)
    work.conductor.go_on(work.progress(title, percent=told, detail=str(phase or "")))
    time.sleep(POLL_SECONDS)


def _run_build(work: Work, wanted: Wanted, title: str, sql: str) -> None:
    try:
        work.run_long(title, sql, lambda: _clear(work, wanted, title))
    except DBAPIError as error:
        if code_of(error) != NOT_UNIQUE:
            raise
        _clear(work, wanted, title)
        raise work.failed(
            f"its rows are not unique in {', '.join(map(said, wanted.columns))} ({why(error)}).",
            "nothing of the index remains; mend the rows, then go on: db-migrate deploy",
        ) from error


def _clear(work: Work, wanted: Wanted, title: str) -> None:
    left = find(work, wanted)
    if left and not left.valid:
        drop(work, title, left.sql_name)


def drop(work: Work, title: str, sql_name: str) -> None:
    """DROP INDEX CONCURRENTLY, which another session may be doing already."""
    try:
        work.run_long(title, f"DROP INDEX CONCURRENTLY {sql_name}")
    except DBAPIError as error:
        if code_of(error) not in GONE:
            raise


def _drop_named(work: Work, name: str, table: str | None, schema: str | None) -> None:
    title, sql_name = "drop the index", full_name(schema, name)
    with work.step(title):
        if work.offline:
            work.run(f"DROP INDEX CONCURRENTLY IF EXISTS {sql_name}")
            return
        found = work.ask(
            f"SELECT i.indrelid = {oid_of(schema, table)}, i.indrelid::regclass::text FROM pg_index i "
            f"WHERE i.indexrelid = {oid_of(schema, name)}"
            if table
            else f"SELECT true, '' FROM pg_index WHERE indexrelid = {oid_of(schema, name)}"
        )
        if found and not found[0][0]:
            raise work.failed(
                f"index {sql_name} is one of {found[0][1]}.",
                f"nothing was changed; name that table, or the index of {table}",
            )
        if found:
            drop(work, title, sql_name)


def _not_ours(work: Work, found: Found) -> Exception:
    return work.failed(
        f"index {found.sql_name} is there already and INVALID, and this revision did not make it: "
        "somebody else's build failed, or goes on where it cannot be seen.",
        f"look whose it is, then: DROP INDEX CONCURRENTLY {found.sql_name}",
    )


def _partitioned(work: Work, wanted: Wanted) -> Exception:
    table = full_name(wanted.schema, wanted.table)
    return work.failed(
        "PostgreSQL builds no index CONCURRENTLY on a partitioned table.",
        f"op.execute of CREATE INDEX … ON ONLY {table}, op.create_index_concurrently on each partition, then "
        "ALTER INDEX … ATTACH PARTITION for each",
    )
