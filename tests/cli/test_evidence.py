"""Evidence is made once: what is kept, under which name, and what makes it stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.adapters.project import Project

from dbmigrate.adapters.connection import Target
from dbmigrate_cli.chain import PACKAGE, chain, our_files
from dbmigrate_cli.scratch import MOST_KEPT, Shelf
from dbmigrate_local.embedded import EmbeddedPostgres

A, B = "a" * 32, "b" * 32


def test_a_digest_stands_for_all_before_it(tmp_path: Path) -> None:
    project = Project(tmp_path).add("a1", None).add("b2", "a1")
    first = chain(project.history())
    assert chain(project.add("c3", "b2").history())[:2] == first
    assert chain(project.add("b2", "a1", "SELECT 2").history())[0] == first[0]
    assert chain(project.history())[1:] != [*first[1:]]
    assert chain(project.history(), ["a1"]) == first[:1]


def test_a_helper_counts_from_the_revision_that_names_it(tmp_path: Path) -> None:
    project = Project(tmp_path).add("a1", None).add("b2", "a1", "from versions import helping")
    helper, below, env = (tmp_path / name for name in ("helping.py", "deep.py", "env.py"))
    helper.write_text("from . import deep\n")
    below.write_text("n = 1\n")
    env.write_text("n = 1\n")
    before = chain(project.history())
    env.write_text("n = 2\n")
    assert chain(project.history()) == before
    below.write_text("n = 2\n")
    after = chain(project.history())
    assert after[0] == before[0] and after[1] != before[1]
    (tmp_path / "rows.json").write_text("[]")
    assert chain(project.history())[0] != before[0]


def test_evidence_that_another_version_made_is_not_taken() -> None:
    """Whatever the rehearsal is made of is part of the digest."""
    code = "import sys, dbmigrate.adapters.rehearsal; print(*(m for m in sys.modules if 'dbmigrate.' in m))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    files = {PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in loaded.split()}
    used = {path for path in files if path.exists()}
    assert len(used) > 50
    assert used <= set(our_files())


@pytest.fixture
def shelf(postgres: EmbeddedPostgres) -> Shelf:
    return Shelf(postgres)


def build(target: Target) -> None:
    from dbmigrate.adapters.connection import Limits, connected

    with connected(target, Limits()) as connection:
        connection.exec_driver_sql("CREATE TABLE built (id int)")
        connection.commit()


def test_a_base_is_built_once_and_only_copies_change(shelf: Shelf) -> None:
    name, built = f"kept_base_{A}", []

    def note(target: Target) -> None:
        built.append(target.name)
        build(target)

    for _ in range(2):
        shelf.make(name, note)
    assert len(built) == 1 and shelf.has(name)
    with shelf.copy(name) as scratch:
        shelf.server.execute("DROP TABLE built", scratch.name)
    assert shelf.server.execute("SELECT count(*)::int FROM built", name) == [[0]]
    shelf.server.drop_database(name)


def test_a_base_that_is_half_made_is_never_used(shelf: Shelf) -> None:
    name = f"kept_base_{B}"

    def fail(target: Target) -> None:
        build(target)
        raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        shelf.make(name, fail)
    assert not shelf.has(name)
    shelf.make(name, build)
    assert shelf.has(name)
    shelf.server.drop_database(name)


def test_the_oldest_are_thrown_out(shelf: Shelf) -> None:
    names = [f"kept_base_{number:032x}" for number in range(MOST_KEPT + 2)]
    for name in names:
        shelf.make(name, lambda target: None)
    assert [shelf.has(name) for name in names] == [False] * 2 + [True] * MOST_KEPT
    for name in names:
        shelf.server.drop_database(name)
