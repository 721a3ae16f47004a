"""A run leaves the moment just before its upgrade, its place in the WAL, and what its tables had seen."""

from __future__ import annotations

from datetime import datetime

import pytest
from tests.adapters.project import FACTS, Project, connected, move, rows, until

from dbmigrate.adapters import marks
from dbmigrate.adapters.database import Database
from dbmigrate.domain.mark import Counters
from dbmigrate.domain.standing import DIRECT

MARK = "SELECT name, marked_at, wal FROM dbmigrate.run"


@pytest.fixture
def two(project: Project) -> Project:
    return project.add("a1", None, "CREATE TABLE a (id int)").add("b2", "a1", "DROP TABLE a")


def test_it_lies_before_everything_that_the_run_does(db: Database, database: str, two: Project) -> None:
    move(db, two.history(), "a1")
    ((run, at, wal),) = rows(database, MARK)
    behind = "SELECT min(applied_at), pg_current_wal_lsn()::text FROM dbmigrate.revision"
    ((applied, now),) = rows(database, behind)
    assert run == "run-1" and at < applied
    assert rows(database, f"SELECT '{wal}'::pg_lsn < '{now}'::pg_lsn") == [(True,)]
    (line,) = db.runs()
    assert datetime.fromisoformat(line["restore_point"]) == at and line["wal"] == wal
    assert db.began("run-1") == f"{at.isoformat()} (WAL {wal})" and db.began("run-2") == ""


def test_a_later_invocation_leaves_it_as_it_is(db: Database, database: str, two: Project) -> None:
    move(db, two.history(), "a1")
    first = rows(database, MARK)
    move(db, two.history(), "b2")
    assert rows(database, MARK) == first
    assert rows(database, "SELECT tables FROM dbmigrate.mark") == [({},)]  # as it was before a1


def test_a_direct_run_leaves_none(db: Database, database: str, two: Project) -> None:
    db.move(two.history(), ["a1"], "upgrade", "run-1", {**FACTS, "bundle": DIRECT})
    assert rows(database, MARK) == [("run-1", None, None)]
    assert db.runs()[0]["restore_point"] is None


def test_where_the_server_has_no_wal_to_tell_the_moment_is_left(
    db: Database, database: str, two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Aurora raises; the run must not hear of it."""
    ways = (marks.LEAVE.replace("pg_current_wal_lsn()", "(1 / 0)"), marks.WAYS[1])
    monkeypatch.setattr(marks, "WAYS", ways)
    move(db, two.history(), "a1")
    ((_, at, wal),) = rows(database, MARK)
    assert at is not None and wal is None


def test_a_mark_that_cannot_be_left_stops_nobody(
    db: Database, database: str, two: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "WAYS", ("SELECT 1 / 0 WHERE :run <> ''",))
    move(db, two.history(), "a1")
    assert db.current() == ("a1",)


WRITES = {
    "INSERT INTO written VALUES (2)": {"quiet"},
    "UPDATE written SET id = 3": {"quiet"},
    "DELETE FROM written": {"quiet"},
    "TRUNCATE written": {"quiet"},
    "ALTER TABLE written ALTER id TYPE bigint": {"quiet"},
    "DROP TABLE written; CREATE TABLE written (id int)": {"quiet"},
    "SELECT * FROM written": {"quiet", "written"},
    "SELECT pg_stat_reset()": set(),
}


@pytest.mark.parametrize("sql", WRITES)
def test_what_nobody_wrote_is_known(sql: str, db: Database, database: str, two: Project) -> None:
    """The counters of a session arrive when it ends, at the latest."""
    with connected(database) as session:
        session.run("CREATE TABLE quiet (id int); CREATE TABLE written (id int)")
        session.run("INSERT INTO quiet VALUES (1); INSERT INTO written VALUES (1)")
    until(lambda: rows(database, "SELECT sum(n_tup_ins) FROM pg_stat_user_tables") == [(2,)])
    move(db, two.history(), "a1")
    with connected(database) as session:
        session.run(sql)
    gone = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'somebody else'"
    until(lambda: rows(database, gone) == [(1,)])

    def unwritten() -> set[str]:
        with db.session() as connection:
            mark = marks.newest(connection)
            assert mark is not None and mark.run == "run-1"
            found = marks.counters(connection).unwritten_since(mark.counters)
            return {name.removeprefix("public.") for name in found}

    until(lambda: unwritten() == WRITES[sql])


def test_nothing_is_known_of_a_table_without_a_file() -> None:
    assert Counters("on then", {"public.a": [0, 0, 0, 0, 0]}).unwritten_since(Counters("on then")) == set()
    one = Counters("on then", {"public.a": [7, 1, 0, 0, 1]})
    assert one.unwritten_since(one) == {"public.a"}
    assert one.unwritten_since(Counters("on another day", one.tables)) == set()
    off = Counters("off then", one.tables)
    assert off.unwritten_since(off) == set()
