"""Histories that are read, ordered and refused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.adapters.project import Project, move

from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import HistoryRejected, Misconfigured, UnknownRevision
from dbmigrate.service.make_plan import make_plan
from dbmigrate.service.verify import verify


@pytest.fixture
def branches(project: Project) -> Project:
    """a1 with two branches that meet in d4, and x9 of its own that needs b2."""
    project.add("a1", None, "CREATE TABLE a (id int)", "DROP TABLE a")
    project.add("b2", "a1", "CREATE TABLE b (id int)", "DROP TABLE b")
    project.add("c3", "a1", "CREATE TABLE c (id int)", "DROP TABLE c")
    project.add("d4", ("b2", "c3"), "CREATE TABLE d (id int)", "DROP TABLE d")
    return project


def with_a_dependent(branches: Project) -> Project:
    branches.add("x9", None, "CREATE TABLE x (id int)", "DROP TABLE x", more='depends_on = "b2"')
    return branches.add("z9", ("d4", "x9"))


def test_an_empty_history(project: Project) -> None:
    history = project.history()
    assert (history.order, history.head, history.pending(())) == ((), "base", [])


def test_a_revision_says_what_it_is(project: Project) -> None:
    history = project.add("a1", None).add("b2", "a1", doc="Why it is.\n\nAnd more.").history()
    revision = history.revisions["b2"]
    assert (revision.down, revision.file) == (("a1",), "versions/b2_change.py")
    assert revision.doc.startswith("Why it is.\n\nAnd more.\n\nRollback:")
    assert history.source_digest("b2") == revision.source_digest
    assert history.source_digest("zz") is None


def test_line_endings_are_no_edit(project: Project) -> None:
    before = project.add("a1", None).history().source_digest("a1")
    path = project.folder / "versions" / "a1_change.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert project.history().source_digest("a1") == before
    path.write_bytes(path.read_bytes() + b"# edited")
    assert project.history().source_digest("a1") != before


def test_what_is_applied_and_what_is_pending(branches: Project) -> None:
    history = branches.history()
    assert history.order == ("a1", "b2", "c3", "d4")
    assert history.applied(("b2",)) == {"a1", "b2"}
    assert history.pending(("b2",)) == ["c3", "d4"]
    assert history.applied(("b2", "c3")) == {"a1", "b2", "c3"}
    assert history.pending(("d4",)) == []


def test_what_a_branch_depends_on_comes_first(branches: Project) -> None:
    history = with_a_dependent(branches).history()
    assert history.revisions["x9"].down == ("b2",)
    assert history.order.index("b2") < history.order.index("x9")
    assert history.applied(("x9",)) == {"a1", "b2", "x9"}


def test_the_order_is_the_same_in_every_process(branches: Project) -> None:
    with_a_dependent(branches)
    script = f"""
from pathlib import Path
from dbmigrate.adapters.history import load_history
print(load_history(Path({str(branches.folder)!r})).order)"""
    orders = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True,
            text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(orders) == 1


def test_a_branchy_history_runs_up_and_down(branches: Project, db: Database) -> None:
    history = with_a_dependent(branches).history()
    for step, revision in enumerate(history.order, 1):
        move(db, history, revision)
        assert history.applied(db.current()) == set(history.order[:step])
    for step, revision in enumerate(reversed(history.order), 1):
        move(db, history, revision, direction="downgrade")
        assert history.applied(db.current()) == set(history.order[: len(history.order) - step])
    assert db.current() == ()


def test_verification_knows_a_head_that_another_one_needs(branches: Project, db: Database) -> None:
    from dbmigrate.adapters.rehearsal import rehearse

    history = with_a_dependent(branches).history()
    evidence = rehearse(history, db.target)
    plan = make_plan(
        environment="development",
        bundle="b",
        history=history,
        evidence=evidence,
        standing=db.look(),
        requested_by="ann",
    ).slim()
    assert verify({**plan, "to": history.head}, "upgrade", db, lambda digest: (history, evidence))["checks"]


def test_several_heads_are_refused_where_one_is_wanted(project: Project) -> None:
    history = project.add("a1", None).add("b2", "a1").add("c3", "a1").history()
    with pytest.raises(HistoryRejected, match="2 heads: b2, c3.*\nNext: alembic merge -m .* b2 c3"):
        _ = history.head


def test_alembics_own_settings_are_named_where_it_would_not_find_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = project.add("a1", None).add("b2", None).history()
    (history.folder / "alembic.ini").touch()
    monkeypatch.chdir(history.folder.parent)
    with pytest.raises(HistoryRejected, match=f"alembic -c {history.folder.name}/alembic.ini merge"):
        _ = history.head
    monkeypatch.chdir(history.folder)
    with pytest.raises(HistoryRejected, match="alembic merge"):
        _ = history.head


def test_what_alembic_passes_over_is_no_revision(project: Project) -> None:
    versions = project.add("a1", None).folder / "versions"
    (versions / ".#a1_change.py").symlink_to("ann@laptop.1")  # an editor's lock
    (versions / "b2_change.py").symlink_to("nowhere")
    (versions / "c3_change.py").mkdir()
    assert project.history().order == ("a1",)


def test_an_unknown_current_revision(project: Project) -> None:
    with pytest.raises(UnknownRevision, match="stands at revision 'zz', which is not in project"):
        project.add("a1", None).history().pending(("zz",))


def test_a_folder_that_is_none(project: Project) -> None:
    project.folder.mkdir()
    from dbmigrate.adapters.history import load_history

    with pytest.raises(Misconfigured, match="no Alembic script location"):
        load_history(project.folder)


GOOD = 'revision = "a1"\ndown_revision = None\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def (", r"bad\.py, line 1, cannot be loaded: SyntaxError"),
        (GOOD + "raise KeyError('x')", r"bad\.py, line 3, cannot be loaded: KeyError: 'x'"),
        (GOOD + "import sys\nsys.exit('bye')", r"bad\.py, line 4, cannot be loaded: SystemExit: bye"),
        (
            GOOD + "import no_such_package",
            r"bad\.py, line 3, imports no_such_package, which is not installed",
        ),
        ('revision = "a1"', r"bad\.py cannot be loaded: AttributeError: .*down_revision"),
        ("x = 1", r"bad\.py cannot be loaded: AttributeError"),
        ('revision = "a1"\ndown_revision = "gone"', r"broken: Revision gone .*not present\. Look at bad\.py"),
        ('revision = "a1"\ndown_revision = "a1"', r"Self-loop .*Look at bad\.py"),
        ('revision = "a1"\ndown_revision = "other"', r"Cycle .*Look at bad\.py, other_change\.py"),
    ],
)
def test_a_broken_file_is_named(project: Project, text: str, said: str) -> None:
    project.add("other", "a1").write("bad.py", text)
    with pytest.raises(HistoryRejected, match=said) as refused:
        project.history()
    assert "db-migrate" in refused.value.hint


def test_two_files_with_one_id_are_both_named(project: Project) -> None:
    with pytest.raises(
        HistoryRejected, match=r"a1 is present more than once\. Look at a1_change\.py, twin\.py"
    ):
        project.add("a1", None).write("twin.py", GOOD).history()


def test_a_warning_of_the_revision_itself_is_no_error(project: Project) -> None:
    with pytest.warns(UserWarning, match="old library"):
        project.write("a.py", GOOD + "import warnings\nwarnings.warn('old library')\n").history()


def test_a_bundle_takes_the_sources_and_nothing_else(project: Project) -> None:
    project.add("a1", None).write("data.csv", "1,2").write("notes.md", "no")
    for private in (".venv/x.py", "versions/__pycache__/y.py"):
        (project.folder / private).parent.mkdir(parents=True, exist_ok=True)
        (project.folder / private).write_text("")
    (project.folder / "env.py").write_text("")
    assert sorted(project.history().files()) == ["env.py", "versions/a1_change.py", "versions/data.csv"]
