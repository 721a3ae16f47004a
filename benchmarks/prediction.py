"""Whether the predicted range holds the measured time: rewrites, indexes, foreign keys and scans at several
sizes.

Why it is fair: everything goes the way that `db-migrate validate` goes. The model comes from a calibration on
the same server (adapters/calibration.py), which knows neither these tables nor these sizes. What each
statement does is traced on an empty copy of the tables. The sizes are the planner's own estimates after
ANALYZE. Measured is the statement with its commit on a server that writes to disk before it says "committed"
(fsync on), the median of the repetitions. A pair counts when that lies within the predicted range; the ratio
says how far it is from the model's middle. `beside` pairs are told and not counted; they run once.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Connection

from benchmarks.measure import Figure, Spread, options, report
from dbmigrate.adapters import catalog
from dbmigrate.adapters.calibration import calibrate
from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.tracer import Tracer
from dbmigrate.domain.costs import Model
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.prediction import predict
from dbmigrate.domain.work import work_of
from dbmigrate_local.embedded import EmbeddedPostgres, embedded_postgres

SIZES = (100_000, 1_000_000, 5_000_000)
BOUND = 0.1
TABLES = (
    "CREATE TABLE users (id bigint, name text)",
    "CREATE TABLE orders (id bigint, user_id bigint, n int, mail text, filler text)",
)
KEYS = (
    "ALTER TABLE users ADD PRIMARY KEY (id)",
    "CREATE INDEX orders_by_user ON orders (user_id)",
)
FILL = (
    "INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, {users}) g",
    """INSERT INTO orders
       SELECT g, 1 + (random() * ({users} - 1))::int, (random() * 1e9)::int,
              md5(g::text) || '@example.com', repeat('x', 40) FROM generate_series(1, {orders}) g""",
)


@dataclass(frozen=True)
class Operation:
    """One statement, of one of the four kinds, and what undoes it. ``before`` prepares it, unmeasured."""

    kind: str
    name: str
    sql: str
    undo: str
    before: str | None = None


FOREIGN_KEY = "ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id)"
NO_KEY = "ALTER TABLE orders DROP CONSTRAINT orders_user"
OPERATIONS = (
    Operation("scan", "ADD CHECK", "ALTER TABLE orders ADD CONSTRAINT many CHECK (n >= 0)",
              "ALTER TABLE orders DROP CONSTRAINT many"),
    Operation("scan", "VALIDATE CHECK", "ALTER TABLE orders VALIDATE CONSTRAINT many",
              "ALTER TABLE orders DROP CONSTRAINT many",
              "ALTER TABLE orders ADD CONSTRAINT many CHECK (n >= 0) NOT VALID"),
    Operation("scan", "SET NOT NULL", "ALTER TABLE orders ALTER n SET NOT NULL",
              "ALTER TABLE orders ALTER n DROP NOT NULL"),
    Operation("rewrite", "int to bigint", "ALTER TABLE orders ALTER n TYPE bigint",
              "ALTER TABLE orders ALTER n TYPE int"),
    Operation("rewrite", "volatile default",
              "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid()",
              "ALTER TABLE orders DROP COLUMN token"),
    Operation("index", "CREATE INDEX, integers", "CREATE INDEX made ON orders (n)", "DROP INDEX made"),
    Operation("index", "CREATE INDEX, text", "CREATE INDEX made ON orders (mail)", "DROP INDEX made"),
    Operation("index", "ADD PRIMARY KEY", "ALTER TABLE orders ADD CONSTRAINT made PRIMARY KEY (id)",
              "ALTER TABLE orders DROP CONSTRAINT made, ALTER id DROP NOT NULL"),
    Operation("foreign key", "ADD FOREIGN KEY", FOREIGN_KEY, NO_KEY),
    Operation("foreign key", "VALIDATE FOREIGN KEY", "ALTER TABLE orders VALIDATE CONSTRAINT orders_user",
              NO_KEY, f"{FOREIGN_KEY} NOT VALID"),
    Operation("beside", "UPDATE of every row", "UPDATE orders SET n = n + 1", "VACUUM FULL orders"),
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """An operation at a size: what was predicted and what was measured, in seconds."""

    kind: str
    operation: str
    rows: int
    low: float
    high: float
    measured: float
    middle: float

    @property
    def holds(self) -> bool:
        return self.low <= self.measured <= self.high

    @property
    def ratio(self) -> float:
        """Measured against the middle of the model."""
        return self.measured / self.middle

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": round(self.ratio, 2), "holds": self.holds}

    def __str__(self) -> str:
        said = "" if self.holds else "   OUTSIDE"
        return (
            f"{self.rows:>9,} rows  {self.kind:<11}  {self.operation:<22}  "
            f"{self.low:8.3f} to {self.high:8.3f}  measured {self.measured:8.3f}  x{self.ratio:.2f}{said}"
        )


def traced(server: EmbeddedPostgres) -> dict[str, Effects]:
    """What each operation does, seen on a copy of the tables with a handful of rows."""
    found = {}
    url = server.create_database("prediction_scratch")
    with connected(target_from_url(url), Limits()) as connection:
        for statement in (*TABLES, *KEYS, *FILL):
            connection.exec_driver_sql(statement.format(users=5, orders=10))
        connection.commit()
        tracer = Tracer(connection)
        for operation in OPERATIONS:
            if operation.before:
                connection.exec_driver_sql(operation.before)
                connection.commit()
            with tracer.watching() as seen:
                connection.exec_driver_sql(operation.sql)
                connection.rollback()
            found[operation.name] = seen[0]
            connection.exec_driver_sql("ALTER TABLE orders DROP CONSTRAINT IF EXISTS many")
            connection.exec_driver_sql("ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_user")
            connection.commit()
    server.drop_database("prediction_scratch")
    return found


def measured(
    server: EmbeddedPostgres, rows: int, effects: Mapping[str, Effects], model: Model, repetitions: int
) -> Iterator[Pair]:
    """Each operation at this size."""
    name = f"prediction_{rows}"
    with connected(target_from_url(server.create_database(name)), Limits()) as connection:
        outside = connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in (*TABLES, *FILL, *KEYS, "VACUUM (FREEZE, ANALYZE) users, orders"):
            outside.exec_driver_sql(statement.format(users=max(rows // 2, 1), orders=rows))
        for operation in OPERATIONS:
            sizes = catalog.table_sizes(outside)
            (predicted,) = predict([effects[operation.name]], sizes, sizes, model)
            tries = 1 if operation.kind == "beside" else repetitions
            seconds = median(_seconds(outside, operation) for _ in range(tries))
            high = predicted.seconds_high or 0.0
            work = work_of(effects[operation.name], sizes, sizes, model)
            middle = sum(cost.seconds for cost in work.costs)
            yield Pair(operation.kind, operation.name, rows, predicted.seconds_low, high, seconds, middle)
    server.drop_database(name)


def _seconds(connection: Connection, operation: Operation) -> float:
    if operation.before:
        connection.exec_driver_sql(operation.before)
    started = time.perf_counter()
    connection.exec_driver_sql(operation.sql)
    seconds = time.perf_counter() - started
    connection.exec_driver_sql(operation.undo)
    return round(seconds, 4)


def figure(pairs: Sequence[Pair], model: Model) -> Figure:
    """The share of pairs outside of their range; with every pair, the model, and its error."""
    counted = [pair for pair in pairs if pair.kind != "beside"]
    outside = sum(not pair.holds for pair in counted) / max(len(counted), 1)
    return Figure(
        "pairs outside of their predicted range",
        [outside],
        bound=BOUND,
        unit="of all pairs",
        notes={
            "pairs_counted": len(counted),
            "held": round(1 - outside, 3),
            "ratio_to_the_middle": Spread([pair.ratio for pair in counted]).to_json(),
            "within_a_factor_of_two": sum(0.5 <= pair.ratio <= 2 for pair in counted),
            "pairs": [pair.to_json() for pair in pairs],
            "model": model.to_json(),
        },
    )


def main() -> int:
    parser = options(__doc__, repetitions=3)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="sizes of the table orders")
    given = parser.parse_args()
    settings = {"fsync": "on", "full_page_writes": "on"}
    pairs = []
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-prediction-") as folder,
        embedded_postgres(Path(folder) / "postgres", settings) as server,
    ):
        with connected(target_from_url(server.url), Limits()) as connection:
            model = calibrate(connection)
        print(f"calibrated: {json.dumps(model.to_json())}", file=sys.stderr)
        effects = traced(server)
        for rows in given.rows:
            for pair in measured(server, rows, effects, model, given.repetitions):
                print(pair, file=sys.stderr, flush=True)
                pairs.append(pair)
    return report("prediction", [figure(pairs, model)], given.json)


if __name__ == "__main__":
    sys.exit(main())
