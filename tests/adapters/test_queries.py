"""Queries that no longer plan, on a real server: which, since when, and in whose words."""

from __future__ import annotations

import pytest
from tests.adapters.project import Project, concurrently, move, rows

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.queries import check_queries, plans
from dbmigrate.domain.queries import Query, read_queries

START = """CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE, name text, age int)
CREATE SCHEMA shop
CREATE TABLE shop.orders (id bigint)
CREATE FUNCTION greet(text) RETURNS text LANGUAGE sql AS 'SELECT $1'"""
QUERIES = """
SELECT id, name FROM users WHERE email = $1;
SELECT count(*) FROM users;
INSERT INTO users (id, email) VALUES ($1, $2) ON CONFLICT (email) DO UPDATE SET name = $3;
UPDATE users SET age = age + $1 WHERE id = ANY($2) RETURNING *;
SELECT greet(name) FROM users FOR UPDATE SKIP LOCKED;
SELECT now() - interval $1;
SELECT no_such_column FROM users;
DELETE FROM orders WHERE id = $1;
SET search_path = shop;
DELETE FROM orders WHERE id = $1;
"""


def test_every_query_that_breaks_is_named_with_its_revision(project: Project, db: Database) -> None:
    project.add("a1", None, START)
    project.add("b2", "a1", "ALTER TABLE users DROP CONSTRAINT users_email_key")
    project.add("c3", "b2", concurrently("CREATE INDEX CONCURRENTLY ix ON users (email)"))
    project.add("d4", "c3", "ALTER TABLE users RENAME name TO title\nDROP FUNCTION greet(text)")
    project.add("e5", "d4", "ALTER TABLE users ALTER age TYPE text\nALTER TABLE shop.orders RENAME TO sold")
    history = project.history()
    move(db, history, "a1")
    checked = check_queries(history, db.target, ["b2", "c3", "d4", "e5"], read_queries(QUERIES))
    assert checked.judged == 7
    assert [query for query, _ in checked.unjudged] == [
        "SELECT no_such_column FROM users",
        "DELETE FROM orders WHERE id = $1",
    ]
    named = {
        revision: {query.split()[0] + " " + words.split(".")[0] for query, words in failed}
        for revision, failed in checked.broken.items()
    }
    assert named == {
        "b2": {
            "INSERT there is no unique or exclusion constraint matching the ON CONFLICT specification",
        },
        "d4": {
            'SELECT column "name" does not exist',
        },
        "e5": {
            "UPDATE operator does not exist: text + unknown",
            'DELETE relation "orders" does not exist',
        },
    }
    assert len(checked.broken["d4"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM users",
        "INSERT INTO users (id) VALUES (nextval('numbers'))",
        "SELECT nextval('numbers')",
        "WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone",
        "SELECT 1; DROP TABLE users; COMMIT",
    ],
)
def test_nothing_is_executed(database: str, query: str) -> None:
    rows(database, "CREATE TABLE users (id bigint)")
    rows(database, "CREATE SEQUENCE numbers")
    rows(database, "INSERT INTO users VALUES (1)")
    plans(target_from_url(database), Query(query))
    assert rows(database, "SELECT count(*), (SELECT is_called FROM numbers) FROM users") == [(1, False)]


def test_a_query_that_plans_has_no_words(database: str) -> None:
    target = target_from_url(database)
    assert plans(target, Query("SELECT $1::int + 1")) is None
    assert (plans(target, Query("SELECT x")) or "").startswith('column "x" does not exist')
    assert plans(target, Query("SELECT 1 -- at the end")) is None
