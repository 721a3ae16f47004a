"""`create`: the next revision file, in the project's own form."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.cases import MAKO, run, write_revision
from tests.cli.conftest import Run

from dbmigrate.adapters.history import load_history
from dbmigrate_cli.revision_file import slug

MODELS_ENV = """
from alembic import context
from sqlalchemy import BigInteger, Column, MetaData, Table

metadata = MetaData()
for number in range(1, 5):
    Table(f"t{number}", metadata, Column("id", BigInteger, primary_key=True))
with context.config.attributes["connection"].begin():
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
"""


def test_a_counting_history_counts_on(history: Path) -> None:
    answer = run("create", "add_user_preferences_table")
    assert (answer.code, answer.out) == (0, "migrations/versions/0004_add_user_preferences_table.py\n")
    loaded = load_history(history)
    assert loaded.head == "0004" and loaded.revisions["0004"].down == ("0003",)
    assert "Rollback: say what the downgrade does" in Path(answer.out.strip()).read_text()


def test_a_history_that_does_not_count_gets_alembics_id(history: Path) -> None:
    write_revision(history, "ae10f2", "0003", "pass")
    path = run("--format", "json", "create", "another one").json["path"]
    name, _, rest = Path(path).stem.partition("_")
    assert len(name) == 12 and rest == "another_one"


def test_the_first_revision_of_all(folder: Path) -> None:
    (folder / "migrations/versions").mkdir(parents=True)
    (folder / "migrations/script.py.mako").write_text(MAKO)
    assert run("create", "begin").code == 0
    assert len(load_history(folder / "migrations").order) == 1


def test_a_name_leads_nowhere_else(history: Path, folder: Path) -> None:
    before = {path for path in folder.rglob("*") if path.parent.name != "versions"}
    assert run("create", "../../x").out == "migrations/versions/0004_x.py\n"
    assert {
        path for path in folder.rglob("*") if path.parent.name not in ("versions", "__pycache__")
    } - before <= {history / "versions/__pycache__"}


@pytest.mark.parametrize(
    "message", ["", "   ", "🚀", "a" * 300, 'x""" + evil', "two\nlines", "back\\slash", "${1/0}"]
)
def test_a_name_that_cannot_be_one_is_refused(message: str, history: Path) -> None:
    answer = run("create", message)
    assert answer.code == 2 and "next: db-migrate create --help" in answer.err
    assert len(list((history / "versions").glob("*.py"))) == 3


@pytest.mark.parametrize(
    "message", ["'quoted' \"words\" inside", "añadir préférences", "50 % off {x} %(slug)s", "# no"]
)
def test_an_odd_name_makes_a_file_that_loads(message: str, history: Path) -> None:
    assert run("create", message).code == 0
    assert load_history(history).revisions["0004"].doc.startswith(message)


def test_file_names_stay_short_and_plain() -> None:
    assert slug("Añadir préférences, à l'écran!") == "anadir_preferences_a_l_ecran"
    assert slug("word " * 40) == "_".join(["word"] * 12)


def test_several_heads_are_refused(history: Path) -> None:
    write_revision(history, "0003b", "0002", "pass")
    answer = run("create", "more")
    assert answer.code == 3 and "2 heads" in answer.err


def test_autogenerate_writes_what_the_models_have_more(db_migrate: Run, history: Path) -> None:
    db_migrate("deploy")
    (history / "env.py").write_text(MODELS_ENV)
    path = Path(db_migrate("--format", "json", "create", "--autogenerate", "add t4").json["path"])
    assert 'op.create_table("t4"' in path.read_text().replace("'", '"')
    assert db_migrate("deploy").code == 0
    again = db_migrate("create", "--autogenerate", "nothing new")
    assert again.code == 0 and "no file was written" in again.out
    assert len(list((history / "versions").glob("*.py"))) == 4


def test_autogenerate_wants_a_database_at_the_head(db_migrate: Run) -> None:
    answer = db_migrate("create", "--autogenerate", "too early")
    assert answer.code == 3 and "next: db-migrate deploy" in answer.err


def test_autogenerate_names_an_env_py_that_fails(db_migrate: Run) -> None:
    db_migrate("deploy")
    answer = db_migrate("create", "--autogenerate", "broken env")
    assert answer.code == 2 and "env.py ran" in answer.err


def test_a_template_that_makes_no_python_leaves_no_file(history: Path) -> None:
    (history / "script.py.mako").write_text("def upgrade(:\n")
    answer = run("create", "broken")
    assert answer.code == 2 and len(list((history / "versions").glob("*.py"))) == 3


def test_a_missing_template_is_named(history: Path) -> None:
    (history / "script.py.mako").unlink()
    answer = run("create", "no template")
    assert answer.code == 2 and "script.py.mako is missing" in answer.err
