"""Statements outside of a transaction: the fixed rules, confirmed by what a second connection sees."""

from __future__ import annotations

import threading

import pytest
from tests.adapters.project import connected, until
from tests.adapters.traced import locks, watched

from dbmigrate.adapters.tracer_outside import fits_transaction
from dbmigrate.adapters.tracer_plans import full_scans
from dbmigrate.adapters.tracer_split import split
from dbmigrate.domain.effects import Effects

TABLES = (
    "CREATE TABLE t (id int PRIMARY KEY, n int); CREATE INDEX i ON t (n); INSERT INTO t VALUES (1, 1);"
    "CREATE TABLE parted (id int) PARTITION BY RANGE (id);"
    "CREATE TABLE one PARTITION OF parted FOR VALUES FROM (1) TO (10)"
)
RULES = {
    "CREATE INDEX CONCURRENTLY j ON t (n)": ("t", "SUE", 2, ["public.j"]),
    "DROP INDEX CONCURRENTLY i": ("t", "SUE", 0, []),
    "REINDEX INDEX CONCURRENTLY i": ("t", "SUE", 2, ["public.i"]),
}
HELD = """SELECT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.relation = '{table}'::regclass AND l.granted AND a.query LIKE '{start}%'
   AND a.pid <> pg_backend_pid()"""
MODES = {"SUE": "ShareUpdateExclusiveLock"}


def outside(url: str, statement: str, seen: list[Effects]) -> None:
    """Run one statement as autocommit_block does."""
    with watched(url) as (connection, found):
        connection.commit()
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)
    seen += found


@pytest.mark.parametrize("statement", RULES)
def test_a_rule_says_what_a_second_connection_sees(database: str, statement: str) -> None:
    table, mode, scans, builds = RULES[statement]
    seen: list[Effects] = []
    with connected(database) as other, connected(database) as reader:
        for sql in TABLES.split(";"):
            other.run(sql)
        reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.run(f"SELECT count(*) FROM {table}")  # whoever works concurrently waits for it
        runner = threading.Thread(target=outside, args=(database, statement, seen))
        runner.start()
        query = HELD.format(table=table, start=statement.split()[0])
        try:
            until(lambda: [MODES[mode]] in other.run(query))
        finally:
            reader.run("COMMIT")
            runner.join()
    (effects,) = seen
    assert effects.autocommit
    assert locks(effects)[table] == mode
    assert effects.scans == (f"public.{table}",) * scans
    assert [index for index, _ in effects.builds] == builds


PLAIN = {
    "ALTER TABLE parted DETACH PARTITION one CONCURRENTLY": ({"parted": "SUE", "one": "AE"}, ()),
    "VACUUM t": ({"t": "SUE"}, ()),
    "VACUUM FULL t": ({"t": "AE"}, ("public.t",)),
    "ALTER TABLE t ADD c int": ({"t": "AE"}, ()),
    "CREATE INDEX k ON t (n)": ({"t": "SHARE"}, ()),
    "DO $$ BEGIN ALTER TABLE t ADD c int; COMMIT; END $$": ({"t": "AE"}, ()),
}


@pytest.mark.parametrize("statement", PLAIN)
def test_other_statements_outside(database: str, statement: str) -> None:
    seen: list[Effects] = []
    with connected(database) as other:
        for sql in TABLES.split(";"):
            other.run(sql)
    outside(database, statement, seen)
    assert [(locks(e), e.rewrites, e.autocommit) for e in seen] == [(*PLAIN[statement], True)]


@pytest.mark.parametrize(
    "statement, fits",
    {
        "-- why\nUPDATE t SET n = 1": True,
        "ALTER TYPE mood ADD VALUE 'x'": True,
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m": True,
        "/* why */ create unique index concurrently i on t (n)": False,
        "VACUUM t": False,
        "CALL p()": False,
        "CREATE DATABASE d": False,
        "DO $$ BEGIN COMMIT; END $$": False,
        "DO $$ BEGIN NULL; END $$": True,
    }.items(),
)
def test_what_runs_in_a_transaction_as_well(statement: str, fits: bool) -> None:
    assert fits_transaction(statement) is fits


@pytest.mark.parametrize(
    "text, pieces",
    {
        "SELECT 1; SELECT 2;": ["SELECT 1", "SELECT 2"],
        "SELECT ';' ; -- a; b\n": ["SELECT ';'"],
        "SELECT E'\\';'; SELECT \"a;b\"": ["SELECT E'\\';'", 'SELECT "a;b"'],
        "DO $$ BEGIN; END $$; DO $x$ $$;$$ $x$": ["DO $$ BEGIN; END $$", "DO $x$ $$;$$ $x$"],
        "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3": [
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
            "SELECT 3",
        ],
        "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2; END": [
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1; SELECT 2; END"
        ],
    }.items(),
)
def test_strings_of_statements_are_taken_apart(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_query_by_key_reads_no_table_in_full(database: str) -> None:
    with watched(database, TABLES) as (connection, seen):
        connection.exec_driver_sql("UPDATE t SET n = 2 WHERE id = %s", (1,))
        connection.exec_driver_sql("UPDATE t SET n = 3 WHERE n + 0 = 2")
        connection.exec_driver_sql("SELECT 1 FROM parted LIMIT 1")
    assert [effects.scans for effects in seen] == [(), ("public.t",), ()]


def test_an_index_read_from_end_to_end_is_a_full_read() -> None:
    scan = {"Node Type": "Index Only Scan", "Schema": "public", "Relation Name": "t"}
    assert full_scans([{"Plan": {"Node Type": "Aggregate", "Plans": [scan]}}]) == {"public.t"}
    assert full_scans([{"Plan": {**scan, "Index Cond": "(id = 1)"}}]) == set()
    assert full_scans([{"Plan": {"Node Type": "Limit", "Plans": [scan]}}]) == set()
