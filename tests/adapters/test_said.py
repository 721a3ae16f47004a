"""Who held what a statement waited for is found by its tables and its lock, not by likeness of names."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.project import connected

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.said import lock_holders


@pytest.fixture
def db(database: str) -> Iterator[Database]:
    with connected(database) as admin:
        admin.run("CREATE TABLE users (id int PRIMARY KEY, note text)")
        admin.run("CREATE INDEX users_note ON users (note)")
        admin.run("CREATE TABLE posts (author int CONSTRAINT posts_author REFERENCES users, users int)")
        admin.run('CREATE TABLE "user" (id int)')
        admin.run("CREATE TABLE days (day int) PARTITION BY LIST (day)")
        admin.run("CREATE TABLE days_1 PARTITION OF days FOR VALUES IN (1)")
    yield Database(target_from_url(database), "staging")


@pytest.mark.parametrize(
    ("held", "statement", "named"),
    [
        ("SELECT FROM users", "ALTER TABLE users ADD a text", "AccessShareLock on users"),
        ("SELECT FROM users", "ALTER TABLE public.users ADD a text", "AccessShareLock on users"),
        ("SELECT FROM users", "ALTER TABLE other.users ADD a text", ""),
        ("SELECT FROM users", 'ALTER TABLE "user" ADD a text', ""),
        ("SELECT FROM users", "ALTER TABLE posts ADD a text DEFAULT 'id of users'", ""),
        ("SELECT FROM posts", "ALTER TABLE users ADD a text /* posts */", ""),
        ("SELECT FROM users", "CREATE INDEX x ON users (note)", ""),
        ("UPDATE users SET id = 1", "CREATE INDEX x ON users (note)", "RowExclusiveLock on users"),
        ("SELECT FROM users", "DROP TABLE posts", "AccessShareLock on users"),
        ("SELECT FROM users", "DROP INDEX users_note", "AccessShareLock on users"),
        ("SELECT FROM days_1", "ALTER TABLE days ADD a int", "AccessShareLock on days_1"),
        ("SELECT FROM posts", "ALTER TABLE x DROP CONSTRAINT posts_author", "AccessShareLock on posts"),
        ("SELECT FROM users FOR UPDATE", "UPDATE users SET note = ''", "RowShareLock on users"),
    ],
)
def test_the_holder(db: Database, database: str, held: str, statement: str, named: str) -> None:
    with connected(database) as holder:
        holder.run("BEGIN")
        holder.run(held)
        with db.session() as connection:
            told = lock_holders(connection, statement)
    assert told.startswith("Held by pid" if named else "Oldest open transactions: pid") and named in told
    assert ("[" in told) is bool(named)


def test_a_holder_that_has_gone(db: Database) -> None:
    with db.session() as connection:
        assert lock_holders(connection, "ALTER TABLE users ADD a text") == "Its holder has gone since."
