"""The fingerprint of a database of 1,000 tables against alembic's compare on the same database.

Why the ratio is fair: both sides look at the same database in the same process, take turns, and each opens
a connection of its own with the same driver (pg8000), ours a new session that prepares its statements anew.
Alembic's side compares the database with the metadata that was reflected from it beforehand, untimed: the
case without a difference, which is its quickest. It sees tables, columns, indexes and keys, with types and
defaults as asked; ours reads all that docs/guide.md lists, in one transaction, and makes the digest.

The second figure is a whole drift check: Database.look (sizes, ledger, revision, in one snapshot, and whether
anybody changed the schema meanwhile) and the comparison of two catalogs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData

from benchmarks.measure import Figure, in_turns, options, report
from dbmigrate.adapters.catalog import snapshot
from dbmigrate.adapters.connection import Limits, Target, connected, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.catalog import fingerprint
from dbmigrate.domain.drift import drift_between
from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

BOUND = 0.5
# One in ten has a foreign key, a second index, a check and a trigger; there is a view for each fifty.
TABLES = """
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
DO $$ BEGIN FOR i IN 1..{count} LOOP
  EXECUTE format('CREATE TABLE t%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,'
    ' code varchar(20) NOT NULL DEFAULT ''x'', price numeric(10, 2), name text, parent bigint, data jsonb,'
    ' active boolean NOT NULL DEFAULT false, made timestamptz NOT NULL DEFAULT now(), note text, n int)', i);
  EXECUTE format('CREATE INDEX t%s_name ON t%s (name, made)', i, i);
  IF i % 10 = 0 THEN
    EXECUTE format('ALTER TABLE t%s ADD FOREIGN KEY (parent) REFERENCES t%s, ADD CHECK (n > 0)', i, i - 1);
    EXECUTE format('CREATE INDEX ON t%s (parent)', i);
    EXECUTE format('CREATE TRIGGER t BEFORE UPDATE ON t%s FOR EACH ROW EXECUTE FUNCTION touch()', i);
  END IF;
  IF i % 50 = 0 THEN EXECUTE format('CREATE VIEW v%s AS SELECT id, code FROM t%s', i, i); END IF;
END LOOP; END $$
"""


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def made(server: EmbeddedPostgres, tables: int) -> Target:
    """A database with so many tables."""
    target = target_from_url(server.create_database("many"))
    with connected(target, Limits()) as connection:
        for statement in TABLES.format(count=tables).split(";\n", 1):
            connection.exec_driver_sql(statement)
        connection.commit()
    return target


def reflected(target: Target) -> MetaData:
    """The tables as SQLAlchemy knows them."""
    metadata = MetaData()
    with connected(target, Limits()) as connection:
        metadata.reflect(connection)
    return metadata


def take_fingerprint(target: Target) -> str:
    """Ours."""
    with connected(target, Limits()) as connection:
        return fingerprint(snapshot(connection))


def compare(target: Target, metadata: MetaData) -> None:
    """Theirs. Ends the benchmark when it sees a difference: then it did other work than it should."""
    with connected(target, Limits()) as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    if found:
        sys.exit(f"alembic sees {len(found)} differences where there are none, the first: {found[0]}")


def check_drift(target: Target) -> None:
    """A look, and its catalog compared with itself."""
    standing = Database(target, "development").look()
    drift_between({kind: dict(named) for kind, named in standing.catalog.items()}, standing.catalog)


def main() -> int:
    parser = options(__doc__, repetitions=5)
    parser.add_argument("--tables", type=int, default=1000)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-fingerprint-") as folder,
        embedded_postgres(Path(folder) / "postgres") as server,
    ):
        target = made(server, given.tables)
        metadata = reflected(target)

        def theirs(pair: int) -> float:
            return seconds(lambda: compare(target, metadata))

        pairs = given.repetitions
        taken = in_turns(pairs, lambda pair: seconds(lambda: take_fingerprint(target)), theirs)
        checked = in_turns(pairs, lambda pair: seconds(lambda: check_drift(target)), theirs)
    notes = {"tables": given.tables}
    figures = [
        Figure("fingerprint against alembic compare", *taken, BOUND, notes=notes),
        Figure("drift check against alembic compare", *checked, BOUND, notes=notes),
    ]
    return report("fingerprint", figures, given.json)


if __name__ == "__main__":
    sys.exit(main())
