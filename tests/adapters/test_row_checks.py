"""Rows on a real server: what a way back would drop, what it took although others write, smoke queries."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.adapters.project import Project, concurrently, connected, move, rows

from dbmigrate.adapters import counting
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import LockNotFree
from dbmigrate.domain.smoke import read_smoke

TABLES = "CREATE TABLE plans (code text, price numeric)\nINSERT INTO plans VALUES ('old', 1), ('older', NULL)"


def there_and_back(db: Database, project: Project, up: str, back: str, meanwhile: str = "SELECT 1") -> None:
    """Plans with two rows, a revision that is applied and undone, and what somebody else does in between."""
    history = project.add("a1", None, TABLES).add("b2", "a1", up, back).history()
    move(db, history, "a1")
    move(db, history, "b2")
    with connected(url_of(db)) as somebody:
        somebody.run(meanwhile)
    move(db, history, "b2", direction="downgrade")


def url_of(db: Database) -> str:
    return f"postgresql://{db.target.user}@{db.target.host}:{db.target.port}/{db.target.name}"


@pytest.mark.parametrize(
    ("up", "back", "meanwhile", "remained"),
    [
        ("INSERT INTO plans VALUES ('new', 2)", "DELETE FROM plans WHERE code = 'new'", "SELECT 1", {}),
        (
            "INSERT INTO plans VALUES ('new', 2)",
            "DELETE FROM plans WHERE code = 'new'",
            "INSERT INTO plans SELECT 'theirs', n FROM generate_series(1, 50) n",
            {},
        ),
        ("INSERT INTO plans VALUES ('new', 2), ('newer', 3)", "SELECT 1", "SELECT 1", {"public.plans": 2}),
        ("ALTER TABLE plans ADD x text", "DELETE FROM plans", "SELECT 1", {"public.plans": -2}),
        (
            "INSERT INTO plans VALUES ('new', 2)",
            "DELETE FROM plans WHERE price > 0",
            "INSERT INTO plans VALUES ('theirs', 9)",
            {"public.plans": -2},
        ),
        ("UPDATE plans SET price = 0", "UPDATE plans SET price = 1", "SELECT 1", {}),
        ("CREATE TABLE more (id int)\nINSERT INTO more VALUES (1)", "DROP TABLE more", "SELECT 1", {}),
        (
            "ALTER TABLE plans ALTER price TYPE int",
            "ALTER TABLE plans ALTER price TYPE numeric",
            "SELECT 1",
            {},
        ),
    ],
)
def test_what_a_revision_and_its_way_back_add_up_to(
    db: Database, project: Project, up: str, back: str, meanwhile: str, remained: dict[str, int]
) -> None:
    there_and_back(db, project, up, back, meanwhile)
    assert db.remained(["b2"]) == {"b2": remained}


def test_rows_of_a_try_that_met_a_lock_are_not_counted(
    db: Database, database: str, project: Project, impatient: None
) -> None:
    """The session's counters still have them: PostgreSQL counts what was attempted."""
    up = "INSERT INTO plans VALUES ('new', 2)\nALTER TABLE other ADD x text"
    back = "DELETE FROM plans WHERE code = 'new'\nALTER TABLE other DROP x"
    history = project.add("a1", None, f"{TABLES}\nCREATE TABLE other ()").add("b2", "a1", up, back).history()
    move(db, history, "a1")
    with connected(database) as holder:
        holder.run("BEGIN; LOCK TABLE other")
        with pytest.raises(LockNotFree):
            move(db, history, "b2")
        holder.run("ROLLBACK")
    move(db, history, "b2")
    move(db, history, "b2", direction="downgrade")
    assert db.remained(["b2"]) == {"b2": {}}


def test_several_revisions_in_one_session_are_counted_apart(db: Database, project: Project) -> None:
    history = (
        project.add("a1", None, TABLES)
        .add("b2", "a1", "INSERT INTO plans VALUES ('b', 1)", "SELECT 1")
        .add("c3", "b2", "INSERT INTO plans VALUES ('c', 1), ('d', 2)", "DELETE FROM plans WHERE code = 'c'")
        .history()
    )
    move(db, history)
    move(db, history, "c3", "b2", direction="downgrade")
    assert db.remained(["b2", "c3"]) == {"b2": {"public.plans": 1}, "c3": {"public.plans": 1}}


def test_rows_that_change_their_partition_stay_in_their_table(db: Database, project: Project) -> None:
    parts = "\n".join(
        (
            "CREATE TABLE events (day int, x int) PARTITION BY LIST (day)",
            "CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)",
            "CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2)",
            "INSERT INTO events VALUES (1, 1), (1, 2)",
        )
    )
    history = (
        project.add("a1", None, parts).add("b2", "a1", "UPDATE events SET day = 2", "SELECT 1").history()
    )
    move(db, history)
    move(db, history, "b2", direction="downgrade")
    assert db.remained(["b2"]) == {"b2": {}}


def test_what_commits_inside_is_not_counted(db: Database, project: Project) -> None:
    index = concurrently("CREATE INDEX CONCURRENTLY i ON plans (code)")
    there_and_back(db, project, index, "DROP INDEX i")
    assert db.remained(["b2"]) == {}


def test_a_ledger_of_before_knows_nothing(db: Database, database: str, project: Project) -> None:
    history = project.add("a1", None, TABLES, "DROP TABLE plans").history()
    assert db.remained(["a1"]) == {}
    move(db, history)
    with connected(database) as somebody:
        somebody.run("ALTER TABLE dbmigrate.revision DROP wrote")
    assert db.remained(["a1"]) == {}
    move(db, history, "a1", direction="downgrade")
    assert db.remained(["a1"]) == {}, "the way up was not counted"


def test_what_tables_and_columns_hold(db: Database, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(database) as somebody:
        somebody.run(
            """CREATE SCHEMA "Odd %s";
            CREATE TABLE plans (code text, price numeric);
            INSERT INTO plans VALUES ('a', 1), ('b', NULL), ('c', NULL);
            CREATE TABLE "Odd %s"."a.b:c" ("d.e" text);
            INSERT INTO "Odd %s"."a.b:c" VALUES ('x');
            CREATE TABLE events (day int) PARTITION BY LIST (day);
            CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
            INSERT INTO events VALUES (1), (1)"""
        )
    names = [
        "public.plans",
        "public.plans.price",
        "Odd %s.a.b:c",
        "Odd %s.a.b:c.d.e",
        "public.events",
        "public.no",
    ]
    assert db.held(names) == dict(zip(names, (3, 1, 1, 1, 2), strict=False))
    assert db.held([]) == {}
    monkeypatch.setattr(counting, "MOST_BYTES", 1)
    assert db.held(names) == {}
    monkeypatch.undo()
    with connected(database) as holder:
        holder.run("BEGIN; LOCK TABLE plans")
        assert db.held(["public.plans", "public.events"]) == {"public.events": 2}


def test_smoke_queries_on_a_real_server(db: Database, database: str) -> None:
    with connected(database) as somebody:
        somebody.run(
            "CREATE TABLE plans (code text); CREATE SCHEMA app; CREATE TABLE app.users (id int); "
            "INSERT INTO app.users VALUES (1)"
        )
    found = read_smoke(
        """SELECT count(*) = 0 FROM plans;
        SELECT code FROM plans;
        SELECT price FROM plans;
        SELECT count(*) > 0 FROM plans;
        SELECT max(code) FROM plans;
        INSERT INTO plans VALUES ('written') RETURNING code;
        SELECT 'a' LIKE '%a%', false;
        SELECT pg_sleep(60);
        SET search_path = app;
        SELECT id FROM users;
        """,
        (),
    )
    wrong = db.unanswered(found)
    assert [line.split(" ")[2] for line in wrong] == ["2", "3", "4", "5", "6", "8"]
    for said, line in zip(
        (
            "returns no row",
            'fails: column "price" does not exist',
            "says False",
            "says None",
            "fails: cannot execute INSERT in a read-only transaction",
            "fails: canceling statement due to statement timeout",
        ),
        wrong,
        strict=True,
    ):
        assert said in line
    assert rows(database, "SELECT count(*) FROM plans") == [(0,)]
    assert db.unanswered(()) == []


def test_a_history_reads_the_file_beside_its_revisions(project: Project) -> None:
    history = project.add("a1", None).history()
    assert history.smoke_queries() == ()
    Path(history.folder / "smoke.sql").write_text("-- dbmigrate: since a1\nSELECT 1;")
    (smoke,) = history.smoke_queries()
    assert smoke.since == "a1" and "smoke.sql" in history.files()
