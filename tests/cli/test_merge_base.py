"""What a pull request brings: told by git, and by nothing where there is no git."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.cli.cases import add_table, git_in, make_history
from tests.cli.conftest import Git

from dbmigrate.adapters.history import load_history
from dbmigrate.domain.errors import Misconfigured
from dbmigrate_cli.merge_base import MergeBase, merge_base


def found(history: Path, against: str | None = None) -> MergeBase:
    base = merge_base(load_history(history), against)
    assert base is not None
    return base


def test_what_the_branch_and_the_working_tree_bring_is_new(git: Git, history: Path) -> None:
    add_table(history, 4)
    git("add", ".")
    git("commit", "-q", "-m", "a fourth")
    add_table(history, 5)
    base, loaded = found(history), load_history(history)
    assert base.start(loaded) == ("0003",) and base.rewritten(loaded) == []
    assert loaded.pending(base.start(loaded)) == ["0004", "0005"]
    assert base.said == f"main ({git('rev-parse', 'main')[:9]})"


def test_the_main_branch_may_have_gone_on(git: Git, history: Path) -> None:
    git("checkout", "-q", "main")
    add_table(history, 4)
    git("add", ".")
    git("commit", "-q", "-m", "somebody else's fourth")
    git("checkout", "-q", "feature")
    assert found(history).start(load_history(history)) == ("0003",)


def test_an_edited_and_a_deleted_revision_are_findings(git: Git, history: Path) -> None:
    file = history / "versions/0002_step.py"
    file.write_text(file.read_text() + "\n# changed\n")
    (history / "versions/0003_step.py").unlink()
    edited, deleted = found(history).rewritten(load_history(history))
    assert (edited.rule, edited.revision, edited.severity) == ("history/edited", "0002", "block")
    assert (deleted.rule, deleted.revision) == ("history/deleted", "0003")
    assert "migrations/versions/0002_step.py" in edited.message and "git restore" in edited.instead


def test_other_line_ends_and_another_name_are_no_edit(git: Git, history: Path) -> None:
    file = history / "versions/0002_step.py"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    file.rename(history / "versions/0002_renamed.py")
    loaded = load_history(history)
    assert found(history).rewritten(loaded) == [] and found(history).start(loaded) == ("0003",)


def test_a_revision_put_under_an_old_one_is_new_and_so_is_what_follows(git: Git, history: Path) -> None:
    file = history / "versions/0003_step.py"
    file.write_text(file.read_text().replace("down_revision = '0002'", "down_revision = '0004'"))
    file = add_table(history, 4)
    file.write_text(file.read_text().replace("down_revision = '0003'", "down_revision = '0002'"))
    loaded = load_history(history)
    assert loaded.pending(found(history).start(loaded)) == ["0004", "0003"]
    assert [finding.revision for finding in found(history).rewritten(loaded)] == ["0003"]


def test_against_names_another_branch(git: Git, history: Path) -> None:
    git("branch", "release", "main")
    assert found(history, "release").target == "release"
    with pytest.raises(Misconfigured, match="nowhere, which this is compared with"):
        merge_base(load_history(history), "nowhere")
    with pytest.raises(Misconfigured, match="--output=x"):
        merge_base(load_history(history), "--output=x")


@pytest.mark.parametrize("variable", ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"])
def test_ci_names_the_target(git: Git, history: Path, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    git("update-ref", "refs/remotes/origin/stable", "main")
    monkeypatch.setenv(variable, "stable")
    assert found(history).target == "origin/stable"


def test_a_shallow_clone_says_what_to_type(
    git: Git, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(folder / "migrations", 4)
    git("add", ".")
    git("commit", "-q", "-m", "a fourth")
    clone = tmp_path_factory.mktemp("clone")
    git("clone", "-q", "--depth", "1", "--branch", "feature", f"file://{folder}", str(clone / "it"))
    history = load_history(clone / "it/migrations")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    with pytest.raises(Misconfigured) as refused:
        merge_base(history, None)
    in_clone = git_in(clone / "it")
    assert refused.value.hint.startswith("git fetch --unshallow origin ")
    in_clone("fetch", "-q", "--depth", "1", "origin", "+main:refs/remotes/origin/main")
    with pytest.raises(Misconfigured, match="shallow") as refused:
        merge_base(history, None)
    in_clone(*refused.value.hint.split()[1:])
    base = merge_base(history, None)
    assert base is not None and history.pending(base.start(history)) == ["0004"]


def test_it_asks_from_any_folder_and_in_a_hook(
    git: Git, history: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("GIT_DIR", ".git")
    assert found(history).start(load_history(history)) == ("0003",)


def test_a_repository_of_nothing_but_revisions(git: Git, folder: Path, history: Path) -> None:
    inner = git_in(history)
    inner("init", "-q", "-b", "main")
    inner("add", ".")
    inner("commit", "-q", "-m", "three revisions")
    add_table(history, 4)
    loaded = load_history(history)
    assert loaded.pending(found(history).start(loaded)) == ["0004"]


def test_nobody_knows_a_base(
    folder: Path, history: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    loaded = load_history(history)
    assert merge_base(loaded, None) is None
    with pytest.raises(Misconfigured, match="no git repository"):
        merge_base(loaded, "main")
    git = git_in(folder)
    git("init", "-q", "-b", "trunk")
    assert merge_base(loaded, None) is None
    git("commit", "-q", "--allow-empty", "-m", "nothing yet")
    assert merge_base(loaded, None) is None
    outside = make_history(tmp_path_factory.mktemp("outside") / "migrations")
    assert merge_base(load_history(outside), None) is None
    monkeypatch.setenv("PATH", str(folder))
    assert shutil.which("git") is None and merge_base(loaded, None) is None
