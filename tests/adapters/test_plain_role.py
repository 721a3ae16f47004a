"""As RDS has it: the migrator is no superuser, and the application is another role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adapters.project import Project, connected, move, rows

from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.errors import Failed, LockNotFree
from dbmigrate.service.checks import find_drift
from dbmigrate_local.embedded import EmbeddedPostgres

PAGE = Path(__file__).parents[2] / "docs" / "first-deploy.md"
SETUP = re.search(r"```sql\n(CREATE ROLE owner.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def migrator(database: str) -> Iterator[Database]:
    """Set up by what the page tells an administrator to run once."""
    assert SETUP is not None
    target = replace(target_from_url(database), user="migrator")
    with connected(database) as admin:
        admin.run("CREATE ROLE rds_iam; CREATE ROLE app LOGIN; GRANT USAGE ON SCHEMA public TO app")
        admin.run(SETUP[1].replace("DATABASE app", f'DATABASE "{target.name}"'))
        yield Database(target, "staging")
        admin.run("DROP OWNED BY migrator, app, owner CASCADE")
        admin.run("DROP ROLE migrator, app, owner, rds_iam")


@pytest.fixture
def first(project: Project) -> Project:
    return project.add("a1", None, "CREATE TABLE one (id int)", "DROP TABLE one")


def test_what_it_makes_belongs_to_the_owner_and_is_the_applications_to_use(
    first: Project, migrator: Database, database: str
) -> None:
    move(migrator, first.add("b2", "a1", "CREATE TABLE two (id int)").history())
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'dbmigrate')"
    assert rows(database, owners) == [("owner",)]
    with connected(database, "app") as app:
        app.run("INSERT INTO two VALUES (1)")
    assert migrator.look().current == ("b2",)
    assert migrator.close_run("run-1", "Succeeded", "", remember=True) is not None
    move(migrator, first.history(), "b2", "a1", direction="downgrade", run="run-2")


def test_what_a_superuser_rehearsed_is_no_drift_where_the_migrator_is_none(
    first: Project, migrator: Database, database: str, postgres: EmbeddedPostgres
) -> None:
    """Default privileges give the application more than the revision does, and of another role's mapping only
    a superuser reads the options."""
    mapped = "CREATE USER MAPPING FOR app SERVER far OPTIONS (user 'reader', password 'secret')"
    granted = "CREATE TABLE two (id int)\nGRANT SELECT ON one, two TO app"
    server = "CREATE SERVER far FOREIGN DATA WRAPPER wrapper"
    history = first.add("b2", "a1", f"{granted}\n{server}\n{mapped}").history()
    make, drop = "CREATE FOREIGN DATA WRAPPER wrapper", "DROP FOREIGN DATA WRAPPER wrapper CASCADE"
    scratch = postgres.create_database("rehearsed_by_a_superuser")
    with connected(scratch) as superuser, connected(database) as admin:
        for session in (superuser, admin):
            session.run(make)
        admin.run("GRANT USAGE ON FOREIGN DATA WRAPPER wrapper TO owner")
        evidence = rehearse(history, target_from_url(scratch))
        move(migrator, history)
        standing = migrator.look()
        assert find_drift(standing, evidence) == []
        assert "password" not in str(standing.catalog)
        admin.run("REVOKE SELECT ON two FROM app")
        assert find_drift(migrator.look(), evidence) != []
        admin.run(drop)
    postgres.drop_database("rehearsed_by_a_superuser")


def test_a_role_that_may_not_is_told_what_it_needs(first: Project, migrator: Database) -> None:
    stranger = Database(replace(migrator.target, user="app"), "staging")
    with pytest.raises(Failed, match="permission denied.*\n.*GRANT CREATE ON DATABASE test_[0-9]+ TO app"):
        move(stranger, first.history())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("may_see", [False, True])
def test_the_session_of_another_role_is_named_as_a_holder(
    first: Project, migrator: Database, database: str, may_see: bool
) -> None:
    history = first.add("b2", "a1", "ALTER TABLE one ADD note text").history()
    move(migrator, history, "a1")
    with connected(database) as admin, connected(database, "app") as holder:
        if not may_see:
            admin.run("REVOKE pg_read_all_stats FROM owner")
        holder.run("BEGIN")
        holder.run("SELECT * FROM one")
        (pid,) = holder.run("SELECT pg_backend_pid()")[0]
        with pytest.raises(LockNotFree) as failed:
            move(migrator, history, "b2")
    held = failed.value.message.partition("Held by ")[2]
    assert held.startswith(f"pid {pid} (somebody else)") and "AccessShareLock on one" in held
    assert ("SELECT pg_backend_pid()" in held) is may_see
    assert ("of app" in held and "GRANT pg_read_all_stats" in held) is not may_see
