"""One instance of a recovery, the copy or the old one, read by several sessions at once."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from dbmigrate.adapters import fence_tables, integrity, ledger, marks, row_hashes
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.grants import places
from dbmigrate.adapters.readers import Readers
from dbmigrate.domain.comparison import Pair, Piece, Row, Table
from dbmigrate.domain.examination import Answer, Known
from dbmigrate.domain.integrity import ROWS, Unit
from dbmigrate.domain.standing import Standing, label

# Two instances never started at the same moment under the same address, whatever their names lead to.
WHO = "SELECT concat_ws(' ', pg_postmaster_start_time(), inet_server_addr(), inet_server_port())"
MAINTENANCE = {"postgres"}


class Instance:
    """Entered, it keeps its sessions until it is left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers = Readers(database.target, database.limits)

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self._database.target.host}:{self._database.target.port}"

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *error: object) -> None:
        self._readers.__exit__(*error)

    def look(self) -> Standing:
        """The schema and the ledger. Raises WrongEnvironment."""
        return self._database.look()

    def revision(self) -> str:
        """Where the schema stands, as it is written in plans."""
        return label(self._database.current())

    def known(self, recovery: str) -> Known:
        """What it is and what it holds."""
        with self._readers.session() as connection:
            here = self._database.target.name
            return Known(
                identity=str(connection.exec_driver_sql(WHO).scalar_one()),
                marked=fence_tables.is_marked(connection, recovery),
                tables=row_hashes.inventory(connection),
                sequences=row_hashes.sequences(connection),
                others=[p.name for p in places(connection) if p.name not in {here, *MAINTENANCE}],
                mark=marks.newest(connection),
                counted=marks.counters(connection),
            )

    def questions(self) -> tuple[list[Unit], list[str]]:
        """What to ask of the copy besides its rows, and notes about what cannot be asked here."""
        with self._readers.session() as connection:
            more, notes = integrity.amcheck(connection)
            return [*integrity.entries(connection), *integrity.links(connection), *more], notes

    def examine(
        self, units: Iterable[Unit], tables: Mapping[str, Table], pairs: Mapping[str, Pair], until: float
    ) -> Iterator[Answer[Unit, Piece | str]]:
        """Look at these units, several at once, until a moment of time.monotonic; the others are left out."""

        def work(connection: Connection, unit: Unit) -> Piece | str:
            if unit.kind == ROWS:
                table, both = tables[unit.subject], pairs[unit.subject]
                return row_hashes.read_piece(connection, table, both, unit.number, unit.size)
            return integrity.ask(connection, unit)

        return self._readers.each(units, work, until)

    def count(self, tables: Iterable[Table], until: float) -> Iterator[Answer[Table, int]]:
        """The rows of tables that have no counterpart."""
        return self._readers.each(tables, row_hashes.count_rows, until)

    def buckets(
        self, table: Table, both: Pair, numbers: Sequence[int], size: int, mask: int
    ) -> dict[int, Piece]:
        """The rows of some pieces, sorted into buckets by the hash of their key."""
        with self._readers.session() as connection:
            return row_hashes.buckets(connection, table, both, numbers, size, mask)

    def stream(
        self,
        table: Table,
        both: Pair,
        numbers: Sequence[int],
        size: int,
        chosen: tuple[int, Sequence[int]] | None,
        after: int | None,
    ) -> Generator[Row, None, None]:
        """The rows of some pieces by the hash of their key; holds a session while it is read."""
        with self._readers.session() as connection:
            yield from row_hashes.stream(connection, table, both, numbers, size, chosen, after)

    def mark(self, recovery: str, stays_open: bool) -> None:
        """Write into the copy that it is this recovery's and verified. Its own open runs are over: nobody
        works on it. Without ``stays_open`` the line is closed at once, as where a trial upgrade follows."""
        with self._database.session("db-migrate examine") as connection:
            integrity.forget_amcheck(connection)
            ledger.create(connection, self._database.environment)
            fence_tables.close_overtaken(connection, recovery)
            fence_tables.take_lease(connection, recovery, fence_tables.OF_COPY)
            if not stays_open:
                ledger.close_run(connection, recovery, "Drilled", "")
            connection.commit()
