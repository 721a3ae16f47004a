"""Projects that are laid out unlike ours: where their revisions lie, and how their constraints get names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.drift import describe_drift
from dbmigrate.domain.errors import HistoryRejected, Misconfigured, UnknownRevision
from dbmigrate.service.deploy_directly import deploy_directly
from dbmigrate_local.embedded import EmbeddedPostgres

REVISION = """
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision: str | None = {down!r}


def upgrade():
    {up}


def downgrade():
    pass
"""

CONVENTION = {"ck": "ck_%(table_name)s__%(constraint_name)s", "uq": "uq_%(table_name)s__%(column_0_name)s"}

ENV = """
from alembic import context
from sqlalchemy import MetaData, NullPool, create_engine

url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url, poolclass=NullPool).connect() as connection:
    context.configure(connection=connection, target_metadata=MetaData(naming_convention={convention!r}))
    with context.begin_transaction():
        context.run_migrations()
"""

UNNAMED = """op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("email", sa.Text),
        sa.UniqueConstraint("email"),
        sa.CheckConstraint("id > 0", name="positive"),
    )"""


def write(folder: Path, id: str, down: str | None = None, up: str = "pass") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{id}.py").write_text(REVISION.format(id=id, down=down, up=up))


def catalog_of(url: str) -> Catalog:
    with connected(target_from_url(url), Limits()) as connection:
        return catalog.snapshot(connection)


def test_the_folder_of_the_revisions_can_be_named_itself(tmp_path: Path) -> None:
    write(tmp_path / "versions" / "postgresql", "a1")
    write(tmp_path / "versions" / "postgresql", "b2", "a1")
    assert load_history(tmp_path / "versions" / "postgresql").order == ("a1", "b2")


def test_several_histories_below_one_location_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "versions" / "postgresql", "a1")
    write(tmp_path / "versions" / "sqlite", "z9")
    with pytest.raises(Misconfigured, match="2 histories, one in each of postgresql, sqlite"):
        load_history(tmp_path)


def test_one_history_in_folders_by_year_is_read_whole(tmp_path: Path) -> None:
    write(tmp_path / "versions" / "2025", "a1")
    write(tmp_path / "versions" / "2026", "b2", "a1")
    assert load_history(tmp_path).order == ("a1", "b2")


def test_a_folder_of_other_python_files_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("raise SystemExit('must not run')")
    with pytest.raises(Misconfigured, match="is no Alembic script location"):
        load_history(tmp_path)


def test_a_project_that_is_not_installed_is_named(tmp_path: Path) -> None:
    write(tmp_path / "versions", "a1", up="pass\n\n\nimport their_project.models")
    with pytest.raises(
        HistoryRejected, match=r"a1\.py.* imports their_project, which is not installed"
    ) as info:
        load_history(tmp_path)
    assert "PYTHONPATH=." in info.value.hint


def test_constraints_get_the_names_that_the_projects_own_metadata_gives(
    tmp_path: Path, postgres: EmbeddedPostgres, database: str
) -> None:
    write(tmp_path / "versions", "a1", up=UNNAMED)
    (tmp_path / "env.py").write_text(ENV.format(convention=CONVENTION))
    (tmp_path / "naming_convention.json").write_text(json.dumps(CONVENTION))
    theirs = postgres.create_database("named_by_the_project")
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("sqlalchemy.url", theirs.replace("postgresql:", "postgresql+pg8000:"))
    command.upgrade(config, "head")

    deploy_directly("r1", load_history(tmp_path), Database(target_from_url(database), "development"), "me")

    ours, wanted = catalog_of(database), catalog_of(theirs)
    postgres.drop_database("named_by_the_project")
    assert describe_drift(wanted, ours) == []
    assert {"public.users.ck_users__positive", "public.users.uq_users__email"} <= set(ours["constraint"])


def test_long_names_are_kept_whole(database: str) -> None:
    table = "relationships_between_packages_and_their_older_revisions"
    names = [f"fk_{table[:50]}_{end}" for end in ("subject", "object")]
    checks = ", ".join(f"CONSTRAINT {name} CHECK (id > 0)" for name in names)
    with connected(target_from_url(database), Limits()) as connection:
        connection.exec_driver_sql(f"CREATE TABLE {table} (id int, {checks})")
        connection.commit()
    assert sorted(catalog_of(database)["constraint"]) == sorted(f"public.{table}.{name}" for name in names)


@pytest.mark.parametrize("text", ["{", "[]", '{"ck": 1}'])
def test_a_naming_convention_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "versions", "a1")
    (tmp_path / "naming_convention.json").write_text(text)
    with pytest.raises(HistoryRejected, match=r"^naming_convention\.json holds no naming convention"):
        load_history(tmp_path)


def test_a_version_table_of_another_name_is_no_new_database(
    postgres: EmbeddedPostgres, database: str
) -> None:
    postgres.execute("CREATE TABLE app_version (version_num varchar(32))", database.rpartition("/")[2])
    with pytest.raises(UnknownRevision, match="its Alembic version in app_version"):
        Database(target_from_url(database), "development").current()
