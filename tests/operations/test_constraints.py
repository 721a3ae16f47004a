"""Constraints added while others write, whatever ends them in between."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from tests.adapters.project import connected, rows
from tests.operations.running import (
    Cut,
    Killed,
    Watching,
    cut_at_each_statement,
    forget,
    killed_at_each_question,
    operate,
    shape,
    sql,
)

from dbmigrate.domain.errors import RevisionFailed

PARENT = "CREATE TABLE p (id int PRIMARY KEY, code int UNIQUE)"
TABLE = "CREATE TABLE t (id int PRIMARY KEY, n int, s text, p int)"
ROWS = (
    "INSERT INTO p SELECT i, i FROM generate_series(1, 5) i",
    "INSERT INTO t SELECT i, i, 'x' || i, 1 + i % 5 FROM generate_series(1, 20) i",
)


def foreign_key(op: Any) -> None:
    op.add_foreign_key("t_p", "t", "p", ["p"], ["id"], on_delete="set null", on_update="CASCADE")


def check(op: Any) -> None:
    op.add_check("t_n", "t", "n > 0 AND s LIKE 'x%' AND n % 100 < 50")


def unique(op: Any) -> None:
    op.add_unique("t_u", "t", ["n", "s"])


def not_null(op: Any) -> None:
    op.set_not_null("t", "n")


def column(op: Any) -> None:
    new = sa.Column("c", sa.String(40), nullable=False, comment="it's new")
    op.add_column_with_default("t", new, "md5(random()::text)")


OPERATIONS = [foreign_key, check, unique, not_null, column]
LIMIT = re.compile(r"SET LOCAL lock_timeout = (\d+)")
ACTS = "ON DELETE SET NULL ON UPDATE CASCADE"
QUESTIONS = {"foreign_key": 2, "check": 2, "unique": 2, "not_null": 4}


def afresh(url: str) -> Callable[[], None]:
    def make() -> None:
        sql(url, "DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS p", PARENT, TABLE, *ROWS)
        forget(url)

    make()
    return make


@pytest.mark.parametrize(
    ("body", "made"),
    [
        (
            foreign_key,
            [("t_p", True, "FOREIGN KEY (p) REFERENCES p(id) ON UPDATE CASCADE ON DELETE SET NULL")],
        ),
        (check, [("t_n", True, "CHECK (((n > 0) AND (s ~~ 'x%'::text) AND ((n % 100) < 50)))")]),
        (unique, [("t_u", True, "UNIQUE (n, s)")]),
        (not_null, []),
    ],
)
def test_it_makes_what_was_asked_for(database: str, body: Callable[[Any], Any], made: list[Any]) -> None:
    afresh(database)
    operate(database, body)
    found = "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint "
    assert rows(database, f"{found} WHERE conrelid = 't'::regclass AND contype IN ('c', 'f', 'u')") == made
    told = rows(database, "SELECT attnotnull FROM pg_attribute WHERE attrelid='t'::regclass AND attname='n'")
    assert told == [(body is not_null,)]


def test_a_column_has_its_default_in_every_row(database: str) -> None:
    afresh(database)
    operate(database, column)
    sql(database, "INSERT INTO t VALUES (21, 21, 'x21')")
    assert rows(database, "SELECT count(DISTINCT c), count(*) FROM t") == [(21, 21)]
    told = (
        "SELECT format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum) "
        "FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'c'"
    )
    assert rows(database, told) == [("character varying(40)", True, "it's new")]
    assert rows(database, "SELECT 1 FROM pg_constraint WHERE conrelid='t'::regclass AND contype='c'") == []


@pytest.mark.parametrize("body", OPERATIONS)
def test_a_kill_between_two_steps_changes_nothing_at_the_end(
    database: str, body: Callable[[Any], Any]
) -> None:
    make = afresh(database)
    operate(database, body)
    undisturbed = shape(database)
    same = [shape(database) == undisturbed for _ in killed_at_each_question(database, make, body)]
    assert all(same)
    assert len(same) >= QUESTIONS.get(body.__name__, 6)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("body", OPERATIONS)
def test_a_lost_connection_changes_nothing_at_the_end(
    database: str, body: Callable[[Any], Any], before: bool
) -> None:
    make = afresh(database)
    operate(database, body)
    undisturbed, seen = shape(database), 0
    for statement in cut_at_each_statement(database, make, body, before):
        assert shape(database) == undisturbed, statement
        if body is column:
            assert rows(database, "SELECT count(DISTINCT c) FROM t") == [(20,)]
        seen += 1
    assert seen > 10


@pytest.mark.parametrize("body", OPERATIONS)
def test_a_second_run_does_nothing(database: str, body: Callable[[Any], Any]) -> None:
    afresh(database)
    operate(database, body)
    before, written = shape(database), rows(database, "SELECT xmin, * FROM t")
    operate(database, body)
    forget(database)
    operate(database, body)
    assert (shape(database), rows(database, "SELECT xmin, * FROM t")) == (before, written)


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (foreign_key, "ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p (id)"),
        (foreign_key, f"ADD CONSTRAINT t_p FOREIGN KEY (p) REFERENCES p (code) {ACTS}"),
        (foreign_key, f"ADD CONSTRAINT t_p FOREIGN KEY (n) REFERENCES t (id) {ACTS}"),
        (foreign_key, "ADD CONSTRAINT t_p CHECK (p > 0)"),
        (check, "ADD CONSTRAINT t_n CHECK (n > 0) NOT VALID"),
        (unique, "ADD CONSTRAINT t_u UNIQUE (s, n)"),
        (unique, "ADD CONSTRAINT t_u UNIQUE (n, s) DEFERRABLE"),
        (unique, "ADD CONSTRAINT t_u CHECK (n > 0)"),
        (column, "ADD COLUMN c text DEFAULT md5(random()::text)"),
        (column, "ADD COLUMN c varchar(40) DEFAULT 'x'"),
        (column, "ADD COLUMN c varchar(40)"),
    ],
)
def test_another_definition_of_the_same_name_is_refused(
    database: str, body: Callable[[Any], Any], other: str
) -> None:
    afresh(database)
    sql(database, f"ALTER TABLE t {other}")
    before = shape(database)
    for _ in range(2):
        with pytest.raises(RevisionFailed, match=r"(?s)is there already with another definition.*drop"):
            operate(database, body)
    assert [line for line in shape(database) if line[2] != "t_u" or line[0] != "index"] == [
        line for line in before if line[2] != "t_u" or line[0] != "index"
    ]


def test_what_is_there_not_valid_is_proved(database: str) -> None:
    afresh(database)
    sql(database, "ALTER TABLE t ADD CONSTRAINT t_n CHECK (n > 0 AND s LIKE 'x%' AND n % 100 < 50) NOT VALID")
    operate(database, check)
    assert rows(database, "SELECT convalidated FROM pg_constraint WHERE conname = 't_n'") == [(True,)]


@pytest.mark.parametrize(
    ("body", "spoil", "mend", "told"),
    [
        (foreign_key, "p = 99", "p = 1", "t_p.*Key .p.=.99. is not present"),
        (check, "n = -1", "n = id", "t_n.*violated by some row"),
        (unique, "n = 1, s = 'x1'", "n = id", "not unique in n, s.*is duplicated"),
        (not_null, "n = NULL", "n = id", "violated by some row"),
    ],
)
def test_rows_that_break_it_leave_nothing_of_it(
    database: str, body: Callable[[Any], Any], spoil: str, mend: str, told: str
) -> None:
    afresh(database)
    before = shape(database)
    sql(database, f"UPDATE t SET {spoil} WHERE id IN (3, 4)")
    with pytest.raises(RevisionFailed, match=f"(?s)^Revision r1, .* of t: .*{told}.*mend the rows"):
        operate(database, body)
    assert shape(database) == before
    sql(database, f"UPDATE t SET {mend}")
    operate(database, body)
    assert shape(database) != before


def test_what_somebody_left_not_valid_stays_when_rows_break_it(database: str) -> None:
    afresh(database)
    sql(
        database,
        "UPDATE t SET n = -1 WHERE id = 3",
        "ALTER TABLE t ADD CONSTRAINT t_n CHECK (n > 0 AND s LIKE 'x%' AND n % 100 < 50) NOT VALID",
    )
    before = shape(database)
    with pytest.raises(RevisionFailed, match="It was there NOT VALID before, and is yet"):
        operate(database, check)
    assert shape(database) == before


@pytest.mark.parametrize("body", OPERATIONS)
def test_a_lock_that_is_not_free_is_left_and_asked_for_again(
    database: str, body: Callable[[Any], Any]
) -> None:
    """A reader of the table holds up a step; whoever comes after the step waits no longer than the budget."""
    afresh(database)
    waited: list[float] = []
    with connected(database) as reader, connected(database) as traffic:
        reader.run("BEGIN")
        reader.run("UPDATE p SET code = code" if body is foreign_key else "SELECT 1 FROM t")

        def wait(tries: int) -> None:
            traffic.run("SET statement_timeout = '1s'")
            traffic.run("SELECT count(*) FROM t")
            waited.append(tries)
            if tries == 3:
                reader.run("COMMIT")

        conductor = Watching(waiting=wait)
        if body is unique:  # its build waits for the reader, and nobody for the build
            reader.run("COMMIT")
            reader.run("BEGIN")
            conductor.at = 2
            with pytest.raises(Killed):
                operate(database, body, conductor)
            conductor.at = 0
            reader.run("SELECT 1 FROM t")
        operate(database, body, conductor)
    assert waited == [1, 2, 3]
    assert conductor.tries[0].table == "t"


def test_a_column_dropped_by_hand_is_filled_from_its_beginning(database: str) -> None:
    afresh(database)
    operate(database, column)
    sql(database, "ALTER TABLE t DROP COLUMN c")
    operate(database, column)
    assert rows(database, "SELECT count(c), count(*) FROM t") == [(20, 20)]


def test_a_foreign_key_halves_the_budget_because_it_locks_two_tables(database: str) -> None:
    afresh(database)()
    for body, limits in ((foreign_key, ["50"]), (check, ["100"])):
        cut = Cut(0, before=False)
        operate(database, body, None, cut.watch)
        adds = [at for at, said in enumerate(cut.said) if "ADD CONSTRAINT" in said]
        assert [LIMIT.findall(" ".join(cut.said[:at]))[-1] for at in adds] == limits
