"""Locks, rewrites and scans of every kind of statement, on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.adapters.traced import locks, trace

TABLES = """
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(10), money numeric(10,2), at timestamp UNIQUE, p int);
CREATE INDEX t_v ON t (v);
CREATE TABLE child (id int PRIMARY KEY, p int CONSTRAINT fk REFERENCES p);
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE one PARTITION OF parted FOR VALUES FROM (1) TO (10);
CREATE TABLE rest PARTITION OF parted DEFAULT;
CREATE TABLE loose (id int);
CREATE TABLE proved (id int, CHECK (id >= 30 AND id < 40 AND id IS NOT NULL));
CREATE MATERIALIZED VIEW mat AS SELECT 1 AS n;
CREATE TYPE mood AS ENUM ('sad');
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER old_one BEFORE INSERT ON loose FOR EACH ROW EXECUTE FUNCTION touch();
INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1, 'a', 1, '2020-01-01', 1);
INSERT INTO child VALUES (1, 1); INSERT INTO parted VALUES (1), (50); INSERT INTO proved VALUES (30)
"""


@dataclass(frozen=True)
class Row:
    """A row of the table of facts; locks and scans are of the last statement."""

    statements: str
    locks: dict[str, str]
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()


AE = {"t": "AE"}
REBUILT = ("t_at_key", "t_pkey", "t_v")
ROWS = {
    "add column": Row("ALTER TABLE t ADD c int", AE),
    "constant default": Row("ALTER TABLE t ADD c int NOT NULL DEFAULT 5", AE),
    "now() as default": Row("ALTER TABLE t ADD c timestamptz DEFAULT now()", AE),
    "volatile default": Row(
        "ALTER TABLE t ADD c uuid DEFAULT gen_random_uuid()", AE, ("t",), ("t",), REBUILT
    ),
    "clock as default": Row(
        "ALTER TABLE t ADD c timestamptz DEFAULT clock_timestamp()", AE, ("t",), ("t",), REBUILT
    ),
    "bigserial": Row("ALTER TABLE t ADD c bigserial", AE, ("t",), ("t",), REBUILT),
    "identity": Row("ALTER TABLE t ADD c int GENERATED ALWAYS AS IDENTITY", AE, ("t",), ("t",), REBUILT),
    "generated": Row(
        "ALTER TABLE t ADD c int GENERATED ALWAYS AS (n + 1) STORED", AE, ("t",), ("t",), REBUILT
    ),
    "column with a check": Row("ALTER TABLE t ADD c int CHECK (c > 0)", AE, scans=("t",)),
    "column with a key": Row("ALTER TABLE t ADD c int REFERENCES p", {"t": "AE", "p": "SRE"}),
    "column with a default and a key": Row(
        "ALTER TABLE t ADD c int DEFAULT 1 REFERENCES p", {"t": "AE", "p": "SRE"}, scans=("p", "t")
    ),
    "set not null": Row("ALTER TABLE t ALTER n SET NOT NULL", AE, scans=("t",)),
    "set not null, proved": Row(
        "ALTER TABLE t ADD CONSTRAINT nn CHECK (n IS NOT NULL); ALTER TABLE t ALTER n SET NOT NULL", {}
    ),
    "check": Row("ALTER TABLE t ADD CHECK (n > 0)", AE, scans=("t",)),
    "check not valid": Row("ALTER TABLE t ADD CHECK (n > 0) NOT VALID", AE),
    "validate check": Row(
        "ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0) NOT VALID; COMMIT; ALTER TABLE t VALIDATE CONSTRAINT c",
        {"t": "SUE"},
        scans=("t",),
    ),
    "key": Row("ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p", {"t": "SRE", "p": "SRE"}, (), ("p", "t")),
    "key not valid": Row(
        "ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p NOT VALID", {"t": "SRE", "p": "SRE"}
    ),
    "validate key": Row(
        "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (p) REFERENCES p NOT VALID; COMMIT;"
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        {"t": "SUE"},
        scans=("p", "t"),
    ),
    "unique": Row("ALTER TABLE t ADD CONSTRAINT u UNIQUE (n)", AE, (), ("t",), ("u",)),
    "unique using index": Row(
        "CREATE UNIQUE INDEX u ON t (n); COMMIT; ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u", AE
    ),
    "index": Row("CREATE INDEX i ON t (n)", {"t": "SHARE"}, (), ("t",), ("i",)),
    "drop index": Row("DROP INDEX t_v", AE),
    "drop column": Row("ALTER TABLE t DROP n", AE),
    "rename column": Row("ALTER TABLE t RENAME n TO m", AE),
    "rename table": Row("ALTER TABLE t RENAME TO u", AE),
    "row security": Row("ALTER TABLE t ENABLE ROW LEVEL SECURITY", AE),
    "replica identity": Row("ALTER TABLE t REPLICA IDENTITY FULL", AE),
    "wider varchar": Row("ALTER TABLE t ALTER v TYPE varchar(20)", AE),
    "varchar to text": Row("ALTER TABLE t ALTER v TYPE text", AE),
    "wider numeric": Row("ALTER TABLE t ALTER money TYPE numeric(12,2)", AE),
    "shorter varchar": Row("ALTER TABLE t ALTER v TYPE varchar(5)", AE, ("t",), ("t",), REBUILT),
    "int to bigint": Row("ALTER TABLE t ALTER n TYPE bigint", AE, ("t",), ("t",), REBUILT),
    "numeric scale": Row("ALTER TABLE t ALTER money TYPE numeric(12,4)", AE, ("t",), ("t",), REBUILT),
    "unlogged": Row("ALTER TABLE t SET UNLOGGED", AE, ("t",), ("t",), REBUILT),
    "timestamptz in UTC": Row(
        "SET TimeZone = 'UTC'; ALTER TABLE t DROP CONSTRAINT t_at_key; COMMIT;"
        "ALTER TABLE t ALTER at TYPE timestamptz",
        AE,
    ),
    "timestamptz in UTC under a unique index": Row(
        "SET TimeZone = 'UTC'; ALTER TABLE t ALTER at TYPE timestamptz", AE, (), ("t",), ("t_at_key",)
    ),
    "timestamptz elsewhere": Row(
        "SET TimeZone = 'Europe/Berlin'; ALTER TABLE t ALTER at TYPE timestamptz", AE, ("t",), ("t",), REBUILT
    ),
    "enum value": Row("ALTER TYPE mood ADD VALUE 'ok'", {}),
    "drop a child": Row("DROP TABLE child", {"child": "AE", "p": "AE"}),
    "drop a key": Row("ALTER TABLE child DROP CONSTRAINT fk", {"child": "AE", "p": "AE"}),
    "trigger": Row("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()", {"t": "SRE"}),
    "disable a trigger": Row("ALTER TABLE loose DISABLE TRIGGER old_one", {"loose": "SRE"}),
    "new table with a key": Row("CREATE TABLE x (p int REFERENCES p)", {"p": "SRE"}),
    "attach": Row(
        "ALTER TABLE parted ATTACH PARTITION loose FOR VALUES FROM (30) TO (40)",
        {"parted": "SUE", "loose": "AE", "rest": "AE"},
        scans=("loose", "rest"),
    ),
    "attach, proved": Row(
        "ALTER TABLE parted ATTACH PARTITION proved FOR VALUES FROM (30) TO (40)",
        {"parted": "SUE", "proved": "AE", "rest": "AE"},
        scans=("rest",),
    ),
    "new partition": Row(
        "CREATE TABLE two PARTITION OF parted FOR VALUES FROM (10) TO (20)",
        {"parted": "AE", "rest": "AE"},
        scans=("rest",),
    ),
    "detach": Row("ALTER TABLE parted DETACH PARTITION one", {"parted": "AE", "one": "AE", "rest": "AE"}),
    "statistics": Row("ALTER TABLE t ALTER n SET STATISTICS 50", {"t": "SUE"}),
    "fillfactor": Row("ALTER TABLE t SET (fillfactor = 50)", {"t": "SUE"}),
    "comment": Row("COMMENT ON TABLE t IS 'x'", {"t": "SUE"}),
    "truncate": Row("TRUNCATE t", AE),
    "cluster": Row("CLUSTER t USING t_pkey", AE, ("t",), ("t",), REBUILT),
    "refresh": Row("REFRESH MATERIALIZED VIEW mat", {"mat": "AE"}, ("mat",)),
    "reindex": Row("REINDEX INDEX t_v", {"t": "SHARE"}, (), ("t",), ("t_v",)),
    "lock": Row("LOCK TABLE t IN EXCLUSIVE MODE", {"t": "EXCLUSIVE"}),
}


@pytest.mark.parametrize("name", ROWS)
def test_locks_rewrites_scans_and_builds(database: str, name: str) -> None:
    row = ROWS[name]
    seen = trace(database, TABLES, *(part.strip() for part in row.statements.split(";")))[-1]
    assert locks(seen) == row.locks
    assert seen.rewrites == tuple(f"public.{table}" for table in row.rewrites)
    assert seen.scans == tuple(f"public.{table}" for table in row.scans)
    assert [index for index, _ in seen.builds] == [f"public.{index}" for index in row.builds]


@pytest.mark.parametrize("name", ROWS)
def test_empty_tables_hide_nothing(database: str, name: str) -> None:
    row, empty = ROWS[name], TABLES.partition("INSERT INTO p VALUES")[0]
    seen = trace(database, empty, *(part.strip() for part in row.statements.split(";")))[-1]
    assert locks(seen) == row.locks
    assert seen.rewrites == tuple(f"public.{table}" for table in row.rewrites)
    assert {*seen.scans} == {f"public.{table}" for table in row.scans}
