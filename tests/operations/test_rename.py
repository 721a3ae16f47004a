"""A column with two names: whichever is written, both have it, and nothing that hangs on it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.adapters.project import rows
from tests.operations.running import (
    cut_at_each_statement,
    forget,
    killed_at_each_question,
    operate,
    shape,
    sql,
)
from tests.operations.writing import writers

from dbmigrate.adapters.catalog import snapshot
from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.domain.errors import RevisionFailed

TABLES = (
    "CREATE TABLE other (code text PRIMARY KEY)",
    "INSERT INTO other SELECT 'c' || i FROM generate_series(0, 9) i",
    """CREATE TABLE t (id int PRIMARY KEY, old text NOT NULL DEFAULT 'c0' REFERENCES other, n int,
        CONSTRAINT short CHECK (length(old) < 9), CONSTRAINT one UNIQUE (old, n))""",
    "COMMENT ON COLUMN t.old IS 'what it''s for'",
    "CREATE INDEX plain ON t (old text_pattern_ops DESC)",
    "CREATE INDEX part ON t (n) WHERE old <> 'c5'",
    "INSERT INTO t SELECT i, 'c' || i % 10, i FROM generate_series(1, 40) i",
)


def afresh(url: str) -> Callable[[], None]:
    def make() -> None:
        sql(url, "DROP TABLE IF EXISTS t, other", "DROP FUNCTION IF EXISTS zz_db_migrate_t_old_new")
        sql(url, *TABLES)
        forget(url)

    make()
    return make


def expand(op: Any) -> None:
    op.expand_column_rename("t", "old", "new")


def revert(op: Any) -> None:
    op.revert_column_rename("t", "old", "new")


def contract(op: Any) -> None:
    op.contract_column_rename("t", "old", "new")


def revert_contract(op: Any) -> None:
    op.revert_contract_column_rename("t", "old", "new")


def catalog(url: str) -> Any:
    with connected(target_from_url(url), Limits()) as connection:
        return snapshot(connection)


def apply(url: str, *bodies: Any) -> Any:
    """Run each as a revision, and read the catalog."""
    for body in bodies:
        operate(url, body)
        forget(url)
    return catalog(url)


def test_up_and_down_and_up_again_give_the_same_catalogs(database: str) -> None:
    afresh(database)
    before = catalog(database)
    expanded = apply(database, expand)
    contracted = apply(database, contract)
    assert apply(database, revert_contract) == expanded
    assert apply(database, revert) == before
    assert apply(database, expand) == expanded
    assert apply(database, contract) == contracted
    assert rows(database, "SELECT count(*) FROM t WHERE new = 'c' || id % 10") == [(40,)]


def test_the_end_is_what_a_plain_rename_makes(database: str) -> None:
    make = afresh(database)
    contracted = apply(database, expand, contract)
    make()
    sql(database, "ALTER TABLE t RENAME COLUMN old TO new")
    assert contracted == catalog(database)


def test_whichever_is_written_both_have_it(database: str) -> None:
    sql(database, "CREATE TABLE t (id int PRIMARY KEY, old json DEFAULT '{}')")
    operate(database, expand)
    sql(
        database,
        "INSERT INTO t (id) VALUES (1)",
        "INSERT INTO t (id, old) VALUES (2, '[2]'), (3, NULL)",
        "INSERT INTO t (id, new) VALUES (4, '[4]')",
        "INSERT INTO t VALUES (5, '[5]', '[5]'), (6, '[0]', '[6]')",
    )
    both = "SELECT id, old::text, new::text FROM t ORDER BY 1"
    assert rows(database, both) == [
        (1, "{}", "{}"), (2, "[2]", "[2]"), (3, None, None), (4, "[4]", "[4]"), (5, "[5]", "[5]"),
        (6, "[6]", "[6]"),
    ]  # fmt: skip
    sql(
        database,
        "UPDATE t SET old = '[11]' WHERE id = 1",
        "UPDATE t SET new = '[22]' WHERE id = 2",
        "UPDATE t SET old = '[33]' WHERE id = 3",
        "UPDATE t SET new = NULL WHERE id = 4",
        "UPDATE t SET old = NULL WHERE id = 5",
        "UPDATE t SET new = '[66]', old = '[66]' WHERE id = 6",
    )
    assert rows(database, both) == [
        (1, "[11]", "[11]"), (2, "[22]", "[22]"), (3, "[33]", "[33]"), (4, None, None), (5, None, None),
        (6, "[66]", "[66]"),
    ]  # fmt: skip


def test_what_a_trigger_of_the_application_makes_of_a_row_is_in_both(database: str) -> None:
    sql(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, old text)",
        "CREATE FUNCTION trim_it() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.old := trim(NEW.old); RETURN NEW; END$$",
        "CREATE TRIGGER trims BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION trim_it()",
    )
    operate(database, expand)
    sql(database, "INSERT INTO t (id, old) VALUES (1, ' a ')", "UPDATE t SET old = old || 'b '")
    assert rows(database, "SELECT old, new FROM t") == [("ab", "ab")]


CHANGES = {"expand": ((), expand), "revert": ((expand,), revert), "contract": ((expand,), contract),
           "revert contract": ((expand, contract), revert_contract)}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_killed_between_any_two_steps_it_comes_to_the_same_end(database: str, change: str) -> None:
    first, body = CHANGES[change]
    make = afresh(database)

    def ready() -> None:
        make()
        apply(database, *first)

    ready()
    operate(database, body)
    undisturbed = catalog(database)
    seen = 0
    for _ in killed_at_each_question(database, ready, body):
        assert catalog(database) == undisturbed
        seen += 1
    assert seen >= 1


def test_cut_at_any_statement_it_comes_to_the_same_end(database: str) -> None:
    def make() -> None:
        sql(
            database,
            "DROP TABLE IF EXISTS t",
            "DROP FUNCTION IF EXISTS zz_db_migrate_t_old_new",
            "CREATE TABLE t (id int PRIMARY KEY, old text NOT NULL)",
            "CREATE UNIQUE INDEX u ON t (old)",
            "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
        )
        forget(database)

    make()
    operate(database, expand)
    undisturbed = shape(database)
    for statement in cut_at_each_statement(database, make, expand, before=False):
        assert shape(database) == undisturbed, statement


def test_the_application_writes_either_meanwhile_and_no_request_fails(database: str) -> None:
    afresh(database)
    with writers(
        database,
        "UPDATE t SET old = 'c' || (random() * 9)::int WHERE id = (random() * 39)::int + 1 AND n > 1000",
        "UPDATE t SET old = 'c' || id % 7 WHERE id = (random() * 39)::int + 1",
        "INSERT INTO t (id, n) SELECT max(id) + 1, max(id) + 1 FROM t",
        "SELECT old FROM t WHERE id = 5",
    ) as failed:
        operate(database, expand)
    assert failed == []
    with writers(
        database,
        "UPDATE t SET new = 'c' || id % 6 WHERE id = (random() * 39)::int + 1",
        "INSERT INTO t (id, new, n) SELECT max(id) + 1, 'c1', max(id) + 1 FROM t",
    ) as failed:
        assert rows(database, "SELECT count(*) FROM t WHERE old <> new OR new IS NULL") == [(0,)]
        operate(database, contract)
    assert failed == []


def test_what_cannot_be_copied_is_named_and_nothing_is_changed(database: str) -> None:
    sql(
        database,
        "CREATE TABLE t (id int PRIMARY KEY, old int UNIQUE, g int GENERATED ALWAYS AS (old + 1) STORED)",
        "CREATE TABLE child (old int REFERENCES t (old))",
        "CREATE VIEW v AS SELECT old FROM t",
        "CREATE POLICY p ON t USING (old > 0)",
        "CREATE INDEX e ON t ((old + 1))",
        "CREATE STATISTICS s ON id, old FROM t",
    )
    before = catalog(database)
    with pytest.raises(RevisionFailed, match="no copy can be made") as refused:
        operate(database, expand)
    for named in ("view v", "policy p", "column g", "on table child", "index e", "statistics object"):
        assert named in str(refused.value), named
    sql(database, "DELETE FROM dbmigrate.work")
    assert catalog(database) == before


@pytest.mark.parametrize(
    "table, words",
    [
        ("CREATE TABLE t (id int PRIMARY KEY, old int, new int)", 'column "new" already'),
        ("CREATE TABLE t (id int PRIMARY KEY)", 'no column "old"'),
        ("CREATE TABLE t (id int PRIMARY KEY, old int GENERATED ALWAYS AS IDENTITY)", "identity"),
        ("CREATE TABLE t (id int, old int, PRIMARY KEY (id)) PARTITION BY RANGE (id)", "partitioned"),
    ],
)
def test_other_refusals(database: str, table: str, words: str) -> None:
    sql(database, table)
    with pytest.raises(RevisionFailed, match=words):
        operate(database, expand)
    with pytest.raises(RevisionFailed):
        operate(database, contract)


def test_long_and_odd_names(database: str) -> None:
    table, old, new = "T " + "ä" * 30, "Old: 50%", "n" * 63
    sql(database, 'CREATE SCHEMA "My App"',
        f'CREATE TABLE "My App"."{table}" (id int PRIMARY KEY, "{old}" int UNIQUE)',
        f'INSERT INTO "My App"."{table}" VALUES (1, 1)')  # fmt: skip
    operate(database, lambda op: op.expand_column_rename(table, old, new, schema="My App"))
    assert rows(database, f'SELECT "{new}" FROM "My App"."{table}"') == [(1,)]
    operate(database, lambda op: op.contract_column_rename(table, old, new, schema="My App"))
    assert rows(database, f'SELECT * FROM "My App"."{table}"') == [(1, 1)]
