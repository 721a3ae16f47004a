"""What a revision that does not run is told to do instead."""

from __future__ import annotations

import pytest
from tests.adapters.project import Project

from dbmigrate.adapters.database import Database
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.errors import RehearsalFailed

START = """CREATE TYPE mood AS ENUM ('sad')
CREATE TABLE people (id bigint PRIMARY KEY, name varchar(20), feels mood)
CREATE VIEW names AS SELECT name FROM people"""
FAILS = {
    "an enum value in its own transaction": (
        "ALTER TYPE mood ADD VALUE 'glad'\nUPDATE people SET feels = 'glad'",
        "a revision of its own before this one",
    ),
    "a type under a view": ("ALTER TABLE people ALTER name TYPE text", "drop the view, change the type"),
    "CONCURRENTLY in a transaction": (
        "CREATE INDEX CONCURRENTLY ix ON people (name)",
        "autocommit_block",
    ),
    "what others need": ("DROP TABLE people", "CASCADE would also take"),
    "anything else": ("SELECT 1 / 0", "mend the revision"),
}


@pytest.mark.parametrize("name", FAILS)
def test_the_hint_fits_what_postgresql_said(project: Project, db: Database, name: str) -> None:
    up, hint = FAILS[name]
    project.add("a1", None, START).add("b2", "a1", up)
    with pytest.raises(RehearsalFailed) as failed:
        rehearse(project.history(), db.target)
    assert hint in failed.value.hint
    assert "b2_change.py, upgrade" in failed.value.message


def test_an_enum_value_may_be_used_in_the_next_revision(project: Project, db: Database) -> None:
    """Each revision is a transaction, so that one that a deploy brings along may use it."""
    project.add("a1", None, START).add("b2", "a1", "ALTER TYPE mood ADD VALUE 'glad'")
    project.add("c3", "b2", "UPDATE people SET feels = 'glad'")
    assert "c3" in rehearse(project.history(), db.target).revisions


def test_a_type_made_in_the_same_transaction_may_be_used(project: Project, db: Database) -> None:
    project.add(
        "a1",
        None,
        "CREATE TYPE mood AS ENUM ('sad', 'glad')\nSELECT 'glad'::mood",
        "DROP TYPE mood",
    )
    assert rehearse(project.history(), db.target).revisions["a1"].round_trip
