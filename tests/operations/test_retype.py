"""A column that changes its type while the application writes: nobody waits, and no value is lost unsaid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.adapters.project import rows
from tests.operations.running import cut_at_each_statement, forget, killed_at_each_question, operate, sql
from tests.operations.test_rename import apply, catalog
from tests.operations.writing import writers

from dbmigrate.domain.errors import RevisionFailed

TABLE = (
    "CREATE TABLE t (id serial PRIMARY KEY, n int UNIQUE CHECK (n < 1000))",
    "CREATE INDEX few ON t (n) INCLUDE (id) WHERE n > 5",
    "INSERT INTO t (n) SELECT i FROM generate_series(1, 40) i",
)


def afresh(url: str) -> Callable[[], None]:
    def make() -> None:
        sql(url, "DROP TABLE IF EXISTS t", "DROP FUNCTION IF EXISTS zz_db_migrate_t_id", *TABLE)
        forget(url)

    make()
    return make


def expand(op: Any) -> None:
    op.expand_column_type("t", "id", sa.BigInteger())


def revert(op: Any) -> None:
    op.revert_column_type("t", "id")


def swap(op: Any) -> None:
    op.swap_column_type("t", "id")


def revert_swap(op: Any) -> None:
    op.revert_swap_column_type("t", "id")


def contract(op: Any) -> None:
    op.contract_column_type("t", "id")


def revert_contract(op: Any) -> None:
    op.revert_contract_column_type("t", "id", "integer")


def test_a_primary_key_becomes_bigint_as_a_plain_change_would_make_it(database: str) -> None:
    make = afresh(database)
    after = apply(database, expand, swap, contract)
    assert rows(database, "INSERT INTO t (n) VALUES (41) RETURNING id") == [(41,)]
    make()
    sql(database, "ALTER TABLE t ALTER id TYPE bigint", "ALTER SEQUENCE t_id_seq AS bigint")
    assert after == catalog(database)


def test_up_and_down_and_up_again_give_the_same_catalogs(database: str) -> None:
    afresh(database)
    before = catalog(database)
    expanded = apply(database, expand)
    swapped = apply(database, swap)
    contracted = apply(database, contract)
    assert apply(database, revert_contract) == swapped
    assert apply(database, revert_swap) == expanded
    assert apply(database, revert) == before
    assert apply(database, expand) == expanded
    assert apply(database, swap) == swapped
    assert apply(database, contract) == contracted
    assert rows(database, "SELECT count(*), max(id) FROM t") == [(40, 40)]


CHANGES = {"expand": ((), expand), "swap": ((expand,), swap), "contract": ((expand, swap), contract),
           "revert swap": ((expand, swap), revert_swap),
           "revert contract": ((expand, swap, contract), revert_contract)}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_killed_between_any_two_steps_it_comes_to_the_same_end(database: str, change: str) -> None:
    first, body = CHANGES[change]
    make = afresh(database)

    def ready() -> None:
        make()
        apply(database, *first)

    ready()
    operate(database, body)
    undisturbed, seen = catalog(database), 0
    for _ in killed_at_each_question(database, ready, body):
        assert catalog(database) == undisturbed
        seen += 1
    assert seen >= 1


def test_a_swap_that_is_cut_at_any_statement_comes_to_the_same_end(database: str) -> None:
    def make() -> None:
        sql(
            database,
            "DROP TABLE IF EXISTS t",
            "DROP FUNCTION IF EXISTS zz_db_migrate_t_id",
            "CREATE TABLE t (id serial PRIMARY KEY)",
            "INSERT INTO t DEFAULT VALUES",
        )
        apply(database, expand)

    make()
    operate(database, swap)
    undisturbed, seen = catalog(database), []
    for statement in cut_at_each_statement(database, make, swap, before=True):
        assert catalog(database) == undisturbed, statement
        seen.append(statement)
    assert any("RENAME COLUMN" in statement for statement in seen)


def test_the_application_never_notices(database: str) -> None:
    afresh(database)
    with writers(
        database,
        "INSERT INTO t DEFAULT VALUES",
        "UPDATE t SET n = NULL WHERE id = (random() * 39)::int + 1",
        "SELECT n FROM t WHERE id = 5",
        "DELETE FROM t WHERE id = (SELECT max(id) FROM t)",
    ) as failed:
        for body in (expand, swap, contract):
            operate(database, body)
            forget(database)
    assert failed == []
    assert rows(database, "SELECT pg_typeof(id)::text FROM t LIMIT 1") == [("bigint",)]


def test_a_value_that_the_old_type_cannot_hold_is_no_error(database: str) -> None:
    afresh(database)
    apply(database, expand, swap)
    sql(database, "INSERT INTO t (id, n) VALUES (5000000000, 50)")
    assert rows(database, "SELECT id, id_old FROM t WHERE n = 50") == [(5_000_000_000, None)]
    sql(database, "UPDATE t SET id = 4999 WHERE n = 50")
    assert rows(database, "SELECT id, id_old FROM t WHERE n = 50") == [(4999, 4999)]
    sql(database, "UPDATE t SET id = 4999999999 WHERE n = 50")
    with pytest.raises(RevisionFailed, match="id_old lacks values of id .* such as '4999999999'"):
        operate(database, revert_swap)
    sql(database, "INSERT INTO t (id, n) VALUES (5000000000, 51)")
    assert rows(database, "SELECT id FROM t WHERE n = 50") == [(4_999_999_999,)]


def words(op: Any) -> None:
    op.expand_column_type("t", "s", "integer", using="replace(s, ' ', '')::int", reverse_using="s || ' '")


def test_conversions_go_both_ways(database: str) -> None:
    sql(database, "CREATE TABLE t (id int PRIMARY KEY, s text)", "INSERT INTO t VALUES (1, '1 '), (2, NULL)")
    operate(database, words)
    sql(
        database,
        "INSERT INTO t (id, s) VALUES (3, ' 3')",
        "INSERT INTO t (id, s_new) VALUES (4, 4)",
        "UPDATE t SET s_new = 22 WHERE id = 2",
    )
    both = "SELECT id, s, s_new FROM t ORDER BY 1"
    assert rows(database, both) == [(1, "1 ", 1), (2, "22 ", 22), (3, " 3", 3), (4, "4 ", 4)]
    apply(database, lambda op: op.swap_column_type("t", "s"))
    sql(database, "UPDATE t SET s = 5 WHERE id = 3", "INSERT INTO t (id, s_old) VALUES (6, '6')")
    assert rows(database, "SELECT id, s_old, s FROM t WHERE id IN (3, 6) ORDER BY 1") == [
        (3, "5 ", 5),
        (6, "6", 6),
    ]
    apply(database, lambda op: op.revert_swap_column_type("t", "s"))
    assert rows(database, both)[2] == (3, "5 ", 5)


def test_what_cannot_be_converted_fails_no_request_but_the_change(database: str) -> None:
    sql(database, "CREATE TABLE t (id int PRIMARY KEY, s text)")
    apply(database, words)
    sql(database, "INSERT INTO t VALUES (1, 'one'), (2, '2')")
    assert rows(database, "SELECT s, s_new FROM t ORDER BY 1") == [("2", 2), ("one", None)]
    with pytest.raises(RevisionFailed, match="could not be converted, such as 'one'"):
        operate(database, lambda op: op.swap_column_type("t", "s"))
    sql(database, "UPDATE t SET s = '1' WHERE id = 1")
    operate(database, lambda op: op.swap_column_type("t", "s"))
    assert rows(database, "SELECT id, s FROM t ORDER BY 1") == [(1, 1), (2, 2)]


def test_a_key_that_others_reference_is_refused_with_their_names(database: str) -> None:
    afresh(database)
    sql(database, "CREATE TABLE child (t_id int CONSTRAINT to_t REFERENCES t)")
    with pytest.raises(RevisionFailed, match="constraint to_t on table child"):
        operate(database, expand)


def test_steps_out_of_their_order_are_refused(database: str) -> None:
    afresh(database)
    with pytest.raises(RevisionFailed, match=r"op.expand_column_type\('t', 'id', TYPE\)"):
        operate(database, swap)
    apply(database, expand)
    with pytest.raises(RevisionFailed, match=r"op.swap_column_type\('t', 'id'\)"):
        operate(database, contract)
