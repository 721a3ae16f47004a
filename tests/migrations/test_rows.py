"""What the revisions do to rows: they lose nothing where they say so, and stop where they would."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError
from tests.migrations.history import History

from dbmigrate.domain.errors import RevisionFailed

PEOPLE = "SELECT clerk_id, email, {} FROM users ORDER BY clerk_id"


def add_users(history: History, count: int) -> None:
    history.run(
        f"""INSERT INTO users (clerk_id, email, full_name)
            SELECT 'user_' || n, 'person' || n || '@example.com', CASE WHEN n % 2 = 0 THEN 'Person ' || n END
              FROM generate_series(1, {count}) n"""
    )


def sqlstate(error: DBAPIError) -> str:
    assert error.orig is not None
    return str(error.orig.args[0]["C"])


def test_seeded_rows_survive_a_way_down_and_up(history: History) -> None:
    history.upgrade("head")
    history.seed()
    names = history.rows(PEOPLE.format("name"))
    messages = history.rows("SELECT * FROM messages ORDER BY id")
    history.downgrade("0010")
    assert history.rows(PEOPLE.format("full_name")) == names
    history.upgrade("head")
    assert history.rows(PEOPLE.format("name")) == names
    assert history.rows("SELECT * FROM messages ORDER BY id") == messages
    assert (len(names), len(messages)) == (3, 6)


def test_the_backfill_commits_batch_by_batch(history: History) -> None:
    history.upgrade("0010")
    add_users(history, 6000)
    history.upgrade("0012")
    batches, names = history.rows("SELECT count(DISTINCT xmin::text), count(name) FROM users")[0]
    assert batches > 1 and names == 6000
    assert history.rows(
        "SELECT name FROM users WHERE clerk_id IN ('user_1', 'user_2') ORDER BY clerk_id"
    ) == [
        ("person1",),
        ("Person 2",),
    ]


def test_a_backfill_that_runs_again_keeps_newer_names(history: History) -> None:
    history.upgrade("0010")
    add_users(history, 3)
    history.upgrade("0012")
    history.run("UPDATE users SET name = 'Renamed' WHERE clerk_id = 'user_2'")
    history.run("UPDATE alembic_version SET version_num = '0011'")
    history.upgrade("0012")
    assert history.rows("SELECT name, full_name FROM users WHERE clerk_id = 'user_2'") == [
        ("Renamed", "Renamed")
    ]


def test_undoing_the_contraction_and_the_backfill_brings_the_old_names_back(history: History) -> None:
    history.upgrade("0010")
    add_users(history, 4)
    history.upgrade("0014")
    history.downgrade("0013")
    assert history.rows("SELECT DISTINCT full_name FROM users") == [(None,)]
    history.downgrade("0011")
    assert history.rows("SELECT full_name FROM users ORDER BY id") == [
        ("person1",),
        ("Person 2",),
        ("person3",),
        ("Person 4",),
    ]


@pytest.mark.parametrize(
    ("write", "names"),
    [
        ("INSERT INTO users (clerk_id, email, full_name) VALUES ('new', 'eve@a.org', 'Eve')", ("Eve", "Eve")),
        ("INSERT INTO users (clerk_id, email, name) VALUES ('new', 'eve@a.org', 'Eve')", ("Eve", "Eve")),
        ("INSERT INTO users (clerk_id, email) VALUES ('new', 'eve@a.org')", ("eve", None)),
        ("UPDATE users SET full_name = 'Old code', clerk_id = 'new'", ("Old code", "Old code")),
        ("UPDATE users SET name = 'New code', clerk_id = 'new'", ("New code", "New code")),
        ("UPDATE users SET onboarding_step = 'done', clerk_id = 'new'", ("person1", None)),
    ],
)
def test_old_and_new_programs_see_one_name(
    history: History, write: str, names: tuple[str, str | None]
) -> None:
    history.upgrade("0010")
    add_users(history, 1)
    history.upgrade("0011")
    history.run(write)
    assert history.rows("SELECT name, full_name FROM users WHERE clerk_id = 'new'") == [names]


def test_a_post_of_a_vanished_campaign_stops_the_validation(history: History) -> None:
    history.upgrade("0007")
    add_users(history, 1)
    history.run("INSERT INTO posts (user_id, campaign_id, body) SELECT id, 99, 'orphan' FROM users")
    with pytest.raises(DBAPIError) as stopped:
        history.upgrade("0009")
    assert sqlstate(stopped.value) == "23503"
    assert history.current() == "0008"


def test_a_scheduled_post_stops_the_rollback_of_its_status(history: History) -> None:
    history.upgrade("0010")
    add_users(history, 1)
    history.run("INSERT INTO posts (user_id, status, body) SELECT id, 'scheduled', 'soon' FROM users")
    before = history.catalog()
    with pytest.raises(DBAPIError) as stopped:
        history.downgrade("0009")
    assert sqlstate(stopped.value) == "22P02"
    assert (history.current(), history.catalog()) == ("0010", before)
    history.run("UPDATE posts SET status = 'draft' WHERE status = 'scheduled'")
    history.downgrade("0009")
    assert history.rows("SELECT status::text, body FROM posts") == [("draft", "soon")]


def test_an_address_used_twice_stops_the_unique_index(history: History) -> None:
    history.upgrade("0014")
    twins = "('u1', 'twin@example.com', 'A'), ('u2', 'twin@example.com', 'B')"
    history.run(f"INSERT INTO users (clerk_id, email, name) VALUES {twins}")
    with pytest.raises(RevisionFailed, match="rows are not unique in email .*twin@example.com"):
        history.upgrade("0015")
    assert "public.uq_users_email" not in history.catalog()["index"]
    history.run("DELETE FROM users WHERE clerk_id = 'u2'")
    history.upgrade("0016")
    assert history.current() == "0016"


def test_an_event_lands_in_its_month(history: History) -> None:
    history.upgrade("head")
    history.seed()
    where = "SELECT DISTINCT tableoid::regclass::text FROM analytics_events ORDER BY 1"
    assert history.rows(where) == [("analytics_events_2026_10",), ("analytics_events_2026_11",)]
