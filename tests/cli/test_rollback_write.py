"""`rollback --write`: a revision that undoes others, in every environment, by the ordinary gates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.cases import Answer, query, run, tables, write_revision
from tests.migrations.history import MIGRATIONS, History

from dbmigrate.adapters.bundle_folder import unpack_into
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.catalog import fingerprint
from dbmigrate_cli.evidence import known_evidence

FACTS = {"bundle": "sha256:b", "plan": "sha256:p", "direction": "upgrade", "requested_by": "ann"}
COLUMN = 'op.add_column("t{0}", sa.Column("note", sa.Text, server_default="x"))'
BACK = 'op.drop_column("t{0}", "note")'


def written(history: Path) -> set[str]:
    return {path.name for path in (history / "versions").glob("*undo*")}


def test_one_revision_undoes_the_chain_and_can_be_undone(
    db_migrate: Callable[..., Answer], database: str, history: Path
) -> None:
    assert db_migrate("deploy").code == 0
    made = db_migrate("--format", "json", "rollback", "--write", "--to", "0001", "--reason", "Orders fail.")
    assert made.code == 0, made.err
    (path,) = made.json["paths"]
    assert made.json["undone"] == ["0003", "0002"]
    assert made.json["losses"] == ["0004 drops public.t2", "0004 drops public.t3"]
    counted = {table: rows for table, column, rows in made.json["row_losses"]}
    assert set(counted) == {"public.t2", "public.t3"} and min(counted.values()) > 0
    text = Path(path).read_text()
    assert '"""Undo 0002 and 0003.' in text and "Orders fail." in text and "Rollback: apply" in text
    assert text.index('"0003").module.downgrade()') < text.index('"0002").module.downgrade()')
    assert text.index('"0002").module.upgrade()') < text.index('"0003").module.upgrade()')
    assert "allow" in text and "because it undoes 0002, 0003" in text
    assert tables(database) == {"t1", "t2", "t3"}, "nothing runs yet"
    assert db_migrate("validate").code == 0
    assert db_migrate("deploy").code == 0 and tables(database) == {"t1"}
    assert db_migrate("rollback").code == 0 and tables(database) == {"t1", "t2", "t3"}
    assert db_migrate("check").code == 3, "the rollback revision pends again"


def test_the_default_is_the_newest_revision(db_migrate: Callable[..., Answer], history: Path) -> None:
    answer = db_migrate("rollback", "--write")
    assert answer.code == 0 and written(history) == {"0004_undo_0003.py"}
    assert "undoes" in answer.out and "0004 drops public.t3" in answer.out
    assert "(of the rehearsal's rows)" in answer.out and "next: say in it why" in answer.err


def test_what_later_revisions_build_on_is_not_taken_away(history: Path) -> None:
    write_revision(history, "0004", "0003", COLUMN.format(2), BACK.format(2))
    refused = in_the_middle(history, ["0002"])
    assert refused.code == 4 and "Later revisions build on what would be undone" in refused.err
    assert "0004 (public.t2" in refused.err and "rollback --write --to 0001" in refused.err
    assert written(history) == set()
    assert run("rollback", "--write", "--to", "0001").code == 0


def test_one_in_the_middle_on_which_nothing_builds_is_undone_alone(history: Path, database: str) -> None:
    answer = in_the_middle(history, ["0002"])
    assert answer.code == 0 and written(history) == {"0004_undo_0002.py"}, answer.err
    assert run("--database", database, "deploy").code == 0 and tables(database) == {"t1", "t3"}


def in_the_middle(history: Path, revisions: list[str]) -> Answer:
    """As `--run` does for the run that applied these."""
    import dbmigrate_cli.commands.rollback as command

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "revisions_of", lambda *given: revisions)
        return run("--environment", "staging", "rollback", "--write", "--run", "staging-abc")


def test_a_downgrade_that_was_never_proved_is_not_built_on(history: Path) -> None:
    write_revision(history, "0004", "0003", COLUMN.format(1), "pass")
    answer = run("rollback", "--write")
    assert answer.code == 4 and "The downgrade of 0004 does not lead back" in answer.err
    assert written(history) == set() and 'db-migrate create "undo' in answer.err


def test_what_commits_inside_gets_a_revision_of_its_own(history: Path, database: str) -> None:
    index = (
        'with op.get_context().autocommit_block():\n        op.{}_index("ix", {}postgresql_concurrently=True)'
    )
    write_revision(
        history, "0004", "0003", index.format("create", '"t1", ["id"], '), index.format("drop", '"t1", ')
    )
    assert run("--database", database, "deploy").code == 0
    assert run("rollback", "--write", "--to", "0002").code == 0
    assert written(history) == {"0005_undo_0004.py", "0006_undo_0003.py"}
    assert run("--database", database, "validate").code == 0
    assert run("--database", database, "deploy").code == 0 and tables(database) == {"t1", "t2"}


@pytest.mark.parametrize(
    "options", [("--write", "--accept-loss"), ("--reason", "why"), ("--to", "0001", "--steps", "1")]
)
def test_options_that_do_not_go_together(history: Path, options: tuple[str, ...]) -> None:
    assert run("rollback", *options).code == 2


def test_a_revision_that_nobody_knows(history: Path) -> None:
    answer = run("rollback", "--write", "--to", "0009")
    assert answer.code == 3 and "Revision 0009 is not in migrations" in answer.err
    assert run("rollback", "--write", "--to", "0003").code == 3


def test_in_a_bundle_with_several_folders_it_is_the_same(history: Path, folder: Path, database: str) -> None:
    """There the files lie elsewhere, and the one that is undone beside another than here."""
    (folder / "other").mkdir()
    (history / "versions" / "0003_step.py").rename(folder / "other" / "0003_step.py")
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/migrations\npath_separator = newline\n"
        "version_locations =\n    %(here)s/migrations/versions\n    %(here)s/other\n"
    )
    assert run("rollback", "--write", "--to", "0001").code == 0
    known = load_history(history)
    assert run("validate", "--from", "base").code == 0
    rehearsed = known_evidence(known)
    assert rehearsed is not None
    content = pack(known.files(), rehearsed)
    unpacked, evidence = unpack_into(folder / "unpacked", content, digest_of(content))
    target = Database(target_from_url(database), "staging")
    target.move(unpacked, unpacked.order, "upgrade", "run-1", FACTS)
    assert tables(database) == {"t1"}
    assert fingerprint(target.catalog()) == evidence.revisions["0004"].fingerprint
    target.move(unpacked, ["0004"], "downgrade", "run-1", FACTS)
    assert tables(database) == {"t1", "t2", "t3"}


def test_plain_alembic_runs_it_with_rows_in_place(folder: Path, database: str) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    copy = Path(shutil.copytree(MIGRATIONS, folder / "migrations", ignore=ignored))
    sample = History(database, copy)
    sample.upgrade("head")
    sample.seed()
    kept = sample.rows("SELECT * FROM users ORDER BY id"), sample.catalog()
    made = run("--format", "json", "rollback", "--write", "--steps", "2", "--reason", "Twins.")
    assert made.code == 0 and (made.json["undone"], made.json["losses"]) == (["0016", "0015"], [])
    after = History(database, copy)
    after.upgrade("head")
    assert "public.uq_users_email" not in after.catalog()["index"]
    assert after.rows("SELECT * FROM users ORDER BY id") == kept[0]
    after.downgrade("0016")
    assert (after.rows("SELECT * FROM users ORDER BY id"), after.catalog()) == kept
    assert query(database, "SELECT version_num FROM alembic_version") == [["0016"]]
