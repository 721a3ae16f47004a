"""Every revision says why it exists, can be undone, and leads to the models' tables."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy.dialects.postgresql import ENUM
from tests.migrations.history import MIGRATIONS, ROOT, History

from dbmigrate.domain.catalog import changes_between
from dbmigrate.domain.changelog import describe_changes

SCRIPTS = ScriptDirectory.from_config(Config(str(MIGRATIONS / "alembic.ini")))
REVISIONS: list[Script] = list(SCRIPTS.walk_revisions())[::-1]
IDS = [script.revision for script in REVISIONS]


def alembic(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Plain Alembic, as a developer types it."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", "-c", "migrations/alembic.ini", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_revisions_are_numbered_in_one_line() -> None:
    assert SCRIPTS.get_heads() == [IDS[-1]]
    assert [int(revision) for revision in IDS] == list(range(1, len(IDS) + 1))
    assert len(IDS) >= 12
    assert all(Path(script.path).name.startswith(f"{script.revision}_") for script in REVISIONS)


@pytest.mark.parametrize("script", REVISIONS, ids=IDS)
def test_a_revision_says_why_and_how_it_is_undone(script: Script) -> None:
    why, rollback = (script.module.__doc__ or "").split("\nRollback: ")
    assert len(why.split()) > 8
    assert "lost" in rollback, "say what the rollback loses, or that nothing is lost"


@pytest.mark.parametrize("script", REVISIONS, ids=IDS)
def test_a_revision_round_trips(shared_history: History, script: Script) -> None:
    parent = str(script.down_revision or "base")
    shared_history.upgrade(parent)
    before = shared_history.catalog()
    shared_history.upgrade(script.revision)
    after = shared_history.catalog()
    assert before != after or script.revision == "0012", "a revision that changes no catalog is a backfill"
    shared_history.downgrade(parent)
    assert differences(before, shared_history.catalog()) == []
    shared_history.upgrade(script.revision)
    assert differences(after, shared_history.catalog()) == []


def differences(before: Any, after: Any) -> list[str]:
    return describe_changes(before, changes_between(before, after))


def test_downgrade_to_base_leaves_an_empty_schema(history: History) -> None:
    empty = history.catalog()
    history.upgrade("head")
    history.downgrade("base")
    assert differences(empty, history.catalog()) == []


def test_the_models_are_what_the_history_builds(history: History) -> None:
    history.upgrade("head")
    command.check(history.config)
    labels = {
        f"public.{name}": ",".join(kind.enums)
        for name, kind in run_path(str(MIGRATIONS / "models.py")).items()
        if isinstance(kind, ENUM)
    }
    assert history.catalog()["enum"] == labels


def test_plain_alembic_takes_the_url_from_the_option_before_the_environment(database: str) -> None:
    alembic("-x", f"url={database}", "upgrade", "head", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    said = alembic("current", DATABASE_URL=database.replace("postgresql://", "postgres://"))
    assert said.stdout.startswith(f"{IDS[-1]} (head)")


def test_written_sql_builds_what_running_it_builds(history: History, postgres: Any) -> None:
    written = io.StringIO()
    offline = Config(str(MIGRATIONS / "alembic.ini"), output_buffer=written)
    command.upgrade(offline, "head", sql=True)
    try:
        other = History(postgres.create_database("written"))
        with other.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.autocommit = True
            for statement in filter(str.strip, written.getvalue().split(";\n\n")):
                raw.cursor().execute(statement)
        history.upgrade("head")
        assert differences(history.catalog(), other.catalog()) == []
    finally:
        postgres.drop_database("written")


def test_a_handed_connection_is_used_and_stays_open(history: History) -> None:
    with history.engine.connect() as connection:
        config = Config(str(MIGRATIONS / "alembic.ini"), attributes={"connection": connection})
        command.upgrade(config, "head")
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == IDS[-1]


def test_a_new_revision_has_the_house_form(history: History, copied: Callable[[], Path]) -> None:
    project = History(history.url, copied())
    script = command.revision(project.config, "add_user_preferences_table", rev_id="0999")
    assert isinstance(script, Script)
    assert Path(script.path).name == "0999_add_user_preferences_table.py"
    assert "\nRollback: " in (script.module.__doc__ or "")
    project.upgrade("head")
    assert project.current() == "0999"
