"""What the rehearsal writes down, and that nothing spoils what comes after it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.project import Project, concurrently, connected, move

from dbmigrate.adapters import rehearsal
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.catalog import changes_between, fingerprint
from dbmigrate.domain.errors import RehearsalFailed
from dbmigrate.domain.evidence import Evidence

SAMPLE = Path(__file__).parents[2] / "migrations"


@pytest.fixture(scope="module")
def sample(postgres: object) -> Evidence:
    from dbmigrate.adapters.connection import target_from_url

    target = target_from_url(postgres.create_database("rehearsed"))  # type: ignore[attr-defined]
    return rehearse(load_history(SAMPLE), target)


def test_every_way_back_of_the_sample_history_is_proved(sample: Evidence) -> None:
    assert {
        revision: seen.round_trip_error for revision, seen in sample.revisions.items() if not seen.round_trip
    } == {}
    assert [revision for revision, seen in sample.revisions.items() if seen.autocommit] == [
        "0007",
        "0012",
        "0015",
    ]
    assert sample.revisions["0014"].drops == ("public.users.full_name",)
    assert sample.revisions["0012"].overwrites == ("public.users.name",)
    assert all(seen.sql for seen in sample.revisions.values())


def test_the_catalog_at_every_revision_is_the_live_one(sample: Evidence, db: Database) -> None:
    history = load_history(SAMPLE)
    for revision in history.order:
        move(db, history, revision)
        live = db.catalog()
        assert changes_between(sample.catalog_at([revision]), live) == ()
        assert sample.revisions[revision].fingerprint == fingerprint(live)


def test_the_same_revisions_make_the_same_evidence(project: Project, db: Database) -> None:
    history = project.add("a1", None, "CREATE TABLE a (id int)", "DROP TABLE a").history()
    once = rehearse(history, db.target)
    db.empty()
    assert rehearse(history, db.target) == once


def test_a_rehearsal_that_lost_track_is_made_again(
    project: Project, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = project.add("a1", None, "CREATE TABLE a (id int)", "DROP TABLE a").history()
    once = rehearse(history, db.target)
    db.empty()
    said = iter(["table public.a"])
    monkeypatch.setattr(rehearsal, "difference", lambda wanted, found: next(said, ""))
    assert rehearse(history, db.target) == once


def test_the_evidence_does_not_tell_where_and_by_whom_it_was_made(
    project: Project, db: Database, database: str
) -> None:
    """initdb takes the time zone and the order of day and month from the machine."""
    parted = "CREATE TABLE a (at timestamptz, day date DEFAULT '2026-10-11') PARTITION BY RANGE (at)"
    bounds = "FOR VALUES FROM ('2026-10-01') TO ('2026-11-01')"
    history = project.add("a1", None, f"{parted}\nCREATE TABLE b PARTITION OF a {bounds}").history()
    once = rehearse(history, db.target)
    db.empty()
    with connected(database) as admin:
        admin.run("CREATE ROLE stranger SUPERUSER LOGIN")
        for setting in ("timezone = 'Asia/Kolkata'", "datestyle = 'German'", "intervalstyle = 'iso_8601'"):
            admin.run(f"ALTER ROLE stranger SET {setting}")
        assert rehearse(history, replace(db.target, user="stranger")) == once
        admin.run("DROP OWNED BY stranger CASCADE; DROP ROLE stranger")


def test_what_a_revision_loses(project: Project, db: Database) -> None:
    project.add(
        "a1", None, "CREATE TABLE a (id int, old text, gone text)\nCREATE TABLE b (id int)", "DROP TABLE a, b"
    )
    project.add(
        "b2",
        "a1",
        "ALTER TABLE a RENAME old TO new\nALTER TABLE a DROP gone\nDROP TABLE b\nUPDATE a SET id = 1\n"
        "DELETE FROM a\nALTER TABLE a ALTER id TYPE smallint",
    )
    seen = rehearse(project.history(), db.target).revisions["b2"]
    assert seen.drops == ("public.b", "public.a.gone")
    assert seen.overwrites == ("public.a.id",)
    assert seen.deletes == ("public.a",)


def test_bound_values_and_our_own_questions(project: Project, db: Database) -> None:
    code = "import sqlalchemy as sa\nop.execute(sa.text('SELECT :n').bindparams(n=7))"
    (statement,) = rehearse(project.add("a1", None, code).history(), db.target).revisions["a1"].sql
    assert statement == "SELECT %s::INTEGER  -- with (7,)"


CHANGING = """import time, uuid, sqlalchemy as sa
op.execute("CREATE TABLE a (id text, at text)")
insert = sa.text("INSERT INTO a VALUES (:id, :at)")
op.execute(insert.bindparams(id=str(uuid.uuid4()), at=str(time.time_ns())))
op.execute(f"UPDATE a SET at = '{time.time_ns()}', id = 'fixed'")"""


@pytest.mark.parametrize("back", ["DROP TABLE a", "raise NotImplementedError"])
def test_a_clock_and_random_ids_make_no_other_bundle(project: Project, db: Database, back: str) -> None:
    """Staging and production are rehearsed by two jobs, and must come to the same digest."""
    history = project.add("a1", None, CHANGING, back).history()
    once = rehearse(history, db.target)
    db.empty()
    again = rehearse(history, db.target)
    assert once.revisions["a1"].overwrites == ("public.a.at", "public.a.id")
    assert once.revisions["a1"].sql[:2] == again.revisions["a1"].sql[:2], "bound values never show"
    if back.startswith("DROP"):  # else there is no second way up to compare with
        assert once == again
        assert once.revisions["a1"].sql == (
            "CREATE TABLE a (id text, at text)",
            "INSERT INTO a VALUES (%s::VARCHAR, %s::VARCHAR)  -- with values that are not the same each time",
            "UPDATE a SET at =  …  -- not the same each time",
        )


BAD_WAYS_BACK = {
    "raises": ("raise NotImplementedError('one way')", "the way back fails: .*NotImplementedError: one way"),
    "does nothing": ("pass", "the downgrade leaves other objects: .*relation public.b"),
    "takes too much": ("DROP TABLE b\nDROP TABLE a", "the downgrade leaves other objects"),
    "half": (
        concurrently("DROP TABLE b") + "\nraise ValueError('late')",
        "the way back fails: .*commits inside",
    ),
    "is not repeatable": (
        "DROP TABLE b\nCREATE VIEW b AS SELECT 1 AS n\nDROP VIEW b\nCREATE SEQUENCE left_over",
        "left_over",
    ),
}


@pytest.mark.parametrize("name", BAD_WAYS_BACK)
def test_a_bad_way_back_is_written_down_and_spoils_nothing(project: Project, db: Database, name: str) -> None:
    back, said = BAD_WAYS_BACK[name]
    project.add("a1", None, "CREATE TABLE a (id int)", "DROP TABLE a")
    project.add("b2", "a1", "CREATE TABLE b (id int)", back)
    project.add("c3", "b2", "CREATE TABLE c (id int)", "DROP TABLE c")
    evidence = rehearse(project.history(), db.target)
    assert [evidence.revisions[revision].round_trip for revision in ("a1", "b2", "c3")] == [True, False, True]
    assert re.search(said, evidence.revisions["b2"].round_trip_error or "")
    assert sorted(evidence.catalog_at(["c3"])["relation"]) == ["public.a", "public.b", "public.c"]


def test_an_upgrade_that_fails_stops_the_rehearsal(project: Project, db: Database) -> None:
    with pytest.raises(RehearsalFailed, match="a1_change.py, upgrade: division by zero") as failed:
        rehearse(project.add("a1", None, "SELECT 1 / 0").history(), db.target)
    assert failed.value.exit_code == 3


def test_progress_is_told(project: Project, db: Database) -> None:
    told: list[tuple[int, int, str]] = []
    rehearse(project.add("a1", None).add("b2", "a1").history(), db.target, lambda *facts: told.append(facts))
    assert told == [(0, 2, "a1"), (1, 2, "b2")]


def test_operations_that_need_other_rows_begin_anew_and_are_seen_whole(
    project: Project, db: Database
) -> None:
    project.add("a1", None, "CREATE TABLE a (id int PRIMARY KEY, n int)", "DROP TABLE a")
    up = 'op.add_unique("u", "a", ["id", "n"])\nop.set_not_null("a", "n")'
    back = 'op.alter_column("a", "n", nullable=True)\nop.drop_constraint("u", "a")'
    seen = rehearse(project.add("b2", "a1", up, back).history(), db.target).revisions["b2"]
    assert [each.operation for each in seen.statements] == ["add_unique"] * 2 + ["set_not_null"] * 4
    assert (seen.resumable, seen.round_trip_error) == (True, None)


def test_a_way_back_that_fails_behind_a_safe_operation_spoils_nothing(project: Project, db: Database) -> None:
    project.add("a1", None, "CREATE TABLE a (id int PRIMARY KEY, n int)", "DROP TABLE a")
    back = 'op.drop_index_concurrently("i", "a")\nop.set_not_null("a", "missing")'
    project.add("b2", "a1", 'op.create_index_concurrently("i", "a", ["n"])', back)
    project.add("c3", "b2", 'op.drop_index_concurrently("i", "a")', "CREATE INDEX i ON a (n)")
    evidence = rehearse(project.history(), db.target)
    assert 'column "missing" does not exist' in (evidence.revisions["b2"].round_trip_error or "")
    assert evidence.revisions["c3"].changes == (("index", "public.i", None),)
