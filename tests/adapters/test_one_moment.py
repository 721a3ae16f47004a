"""What is told of a database is true of one moment, whatever others change meanwhile."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from tests.adapters.project import connected

from dbmigrate.adapters import catalog
from dbmigrate.adapters.catalog import snapshot
from dbmigrate.adapters.database import Database
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.errors import Failed

HALF = "ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME n TO m; ALTER INDEX i RENAME TO j"


def test_a_change_of_the_schema_is_never_half_seen(
    db: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names inside definitions are those of now, even where the transaction's snapshot is older."""
    seen = []

    def change_meanwhile(connection: Connection) -> Catalog:
        if not seen:
            with connected(database) as other:
                other.run(HALF)
        seen.append(snapshot(connection))
        return seen[-1]

    with connected(database) as admin:
        admin.run("CREATE TABLE a (n int CHECK (n > 0)); CREATE INDEX i ON a (n)")
    before = db.catalog()
    monkeypatch.setattr(catalog, "snapshot", change_meanwhile)
    after = db.look().catalog
    assert seen[0] not in (before, after) and "public.a" in seen[0]["relation"], "a half was there to see"
    assert after == db.catalog() and list(after["relation"]) == ["public.b"]


def test_a_schema_that_never_rests_is_said_to_be_so(
    db: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_meanwhile(connection: Connection) -> Catalog:
        with connected(database) as other:
            other.run("CREATE TABLE IF NOT EXISTS a (); DROP TABLE a; CREATE TABLE a ()")
        return snapshot(connection)

    monkeypatch.setattr(catalog, "snapshot", change_meanwhile)
    with pytest.raises(Failed, match="changed the schema each of the 5 times"):
        db.look()


def test_a_temporary_table_of_somebody_does_not_disturb(
    db: Database, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def work_meanwhile(connection: Connection) -> Catalog:
        with connected(database) as other:
            other.run("CREATE TEMPORARY TABLE t (id int PRIMARY KEY)")
        looks.append(snapshot(connection))
        return looks[-1]

    monkeypatch.setattr(catalog, "snapshot", work_meanwhile)
    assert (db.look().catalog, len(looks)) == ({}, 1)
