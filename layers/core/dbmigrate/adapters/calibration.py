"""How fast a server is: a trial on two tables of our own, which are gone afterwards.

It takes some seconds of one core and a gigabyte of the log, so it belongs on a scratch or an idle server; one
with production's hardware and settings tells most.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from dbmigrate.adapters.sizes import memory_bytes
from dbmigrate.domain.costs import PAGE, Model

SCHEMA = "dbmigrate_probe"
ROWS = 100_000
PADDING = {"narrow": 0, "wide": 400}
REPEATED = 5


@dataclass(frozen=True)
class Line:
    """A straight line through the two tables: seconds a row and seconds a page."""

    row: float
    page: float


def calibrate(connection: Connection, rows: int = ROWS) -> Model:
    """The server's model, measured on two tables of so many rows in a schema of their own.

    What takes longer by pages than by rows is told apart by the width of the rows. Nothing of it is faster
    than the clock can see: a coefficient that comes out negative is 0.
    """
    with _tables(connection.execution_options(isolation_level="AUTOCOMMIT"), rows) as probe:
        scan = probe.line("ADD CONSTRAINT checked CHECK (n >= 0)", "DROP CONSTRAINT checked")
        rewrite = probe.line("ALTER n TYPE bigint", "ALTER n TYPE integer")
        index = probe.seconds("CREATE INDEX built ON {0}.narrow (n)", "DROP INDEX {0}.built")
        probe.run("ALTER TABLE {0}.wide ADD PRIMARY KEY (id)")
        key = probe.seconds(
            "ALTER TABLE {0}.narrow ADD CONSTRAINT key FOREIGN KEY (r) REFERENCES {0}.wide",
            "ALTER TABLE {0}.narrow DROP CONSTRAINT key",
        )
        probe.run("ALTER TABLE {0}.wide DROP CONSTRAINT wide_pkey")
        written = {name: probe.once(f"UPDATE {{0}}.{name} SET n = n + 1") for name in PADDING}
        write = probe.through(written)
        probe.run("VACUUM FULL {0}.narrow", "CREATE INDEX built ON {0}.narrow (n)")
        entered = probe.once("UPDATE {0}.narrow SET n = n + 1")
        narrow, wide = probe.pages["narrow"], probe.pages["wide"]
        measured = Model(
            statement=probe.statement,
            scan_row=scan.row,
            scan_page=scan.page,
            rewrite_row=rewrite.row,
            rewrite_page=rewrite.page,
            index_row=max(index - scan.page * narrow, 0) / (rows * math.log2(rows)),
            key_row=max(key - scan.page * (narrow + wide), 0) / (2 * rows),
            write_row=write.row,
            write_page=write.page,
            entry_row=max(entered - written["narrow"], 0) / rows,
        )
        return replace(measured, memory_bytes=memory_bytes(connection))


@contextmanager
def _tables(connection: Connection, rows: int) -> Iterator[_Probe]:
    probe = _Probe(connection, rows)
    probe.run("DROP SCHEMA IF EXISTS {0} CASCADE", "CREATE SCHEMA {0}")
    try:
        for name, padding in PADDING.items():
            # Random values, as an index meets them; hint bits and visibility settled before the clock runs.
            probe.run(
                f"""CREATE TABLE {{0}}.{name} AS
                    SELECT g AS id, (random() * 1e9)::int AS n, 1 + (random() * {rows - 1})::int AS r,
                           repeat('x', {padding}) AS padding
                      FROM generate_series(1, {rows}) g""",
                f"VACUUM (FREEZE, ANALYZE) {{0}}.{name}",
            )
        probe.look()
        yield probe
    finally:
        probe.run("DROP SCHEMA IF EXISTS {0} CASCADE")


class _Probe:
    """The two tables and the clock. Times are without ``statement``, what any statement takes."""

    def __init__(self, connection: Connection, rows: int) -> None:
        self.connection, self.rows = connection, rows
        self.pages: dict[str, int] = {}
        self.statement = 0.0

    def look(self) -> None:
        for name in PADDING:
            asked = f"SELECT pg_table_size('{SCHEMA}.{name}')"
            self.pages[name] = self.connection.exec_driver_sql(asked).scalar_one() // PAGE
        empty = "ALTER TABLE {0}.narrow ALTER n SET DEFAULT 1"
        self.statement = self.seconds(empty, "ALTER TABLE {0}.narrow ALTER n DROP DEFAULT")

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.exec_driver_sql(statement.format(SCHEMA))

    def once(self, statement: str) -> float:
        started = time.perf_counter()
        self.run(statement)
        return max(time.perf_counter() - started - self.statement, 0.0)

    def seconds(self, statement: str, undo: str) -> float:
        """The fastest of some tries: what a neighbour's load adds to the others is no property of the
        server."""
        found = []
        for _ in range(REPEATED):
            found.append(self.once(statement))
            self.run(undo)
        return min(found)

    def line(self, change: str, undo: str) -> Line:
        return self.through(
            {
                name: self.seconds(f"ALTER TABLE {{0}}.{name} {change}", f"ALTER TABLE {{0}}.{name} {undo}")
                for name in PADDING
            }
        )

    def through(self, seconds: Mapping[str, float]) -> Line:
        """The line through what both tables took."""
        narrow, wide = self.pages["narrow"], self.pages["wide"]
        page = max((seconds["wide"] - seconds["narrow"]) / (wide - narrow), 0.0)
        return Line(max(seconds["narrow"] - page * narrow, 0.0) / self.rows, page)
