"""Suppressions: comments with a reason count, and nothing else that looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.cases import make_history, write_revision

from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.suppressions import Suppressions, read_suppressions


@pytest.mark.parametrize(
    ("comment", "allows"),
    [
        ("# dbmigrate: allow DM104 because the table is empty", (("DM104", "the table is empty"),)),
        ("#dbmigrate:allow dm104 because: nobody writes", (("DM104", "nobody writes"),)),
        ("# db-migrate: allow DM104 because x > 0", (("DM104", "x > 0"),)),
        (
            "# dbmigrate: allow DM104, squawk/Ban-Char-Field because it is legacy",
            (("DM104", "it is legacy"), ("squawk/ban-char-field", "it is legacy")),
        ),
        (
            "x = 1  # dbmigrate: allow DM101 because 第一 release is gone",
            (("DM101", "第一 release is gone"),),
        ),
    ],
)
def test_a_comment_with_a_reason_counts(comment: str, allows: tuple[tuple[str, str], ...]) -> None:
    assert read_suppressions(comment.encode()) == Suppressions(allows)


@pytest.mark.parametrize(
    "comment",
    [
        "# dbmigrate: allow DM104",
        "# dbmigrate: allow DM104 because",
        "# dbmigrate: allow DM104 because …",
        "# dbmigrate: allow because it is fine",
        "# dbmigrate: allow everything",
        "# dbmigrate: ignore DM104 because it is fine",
        "# dbmigrate: DM104",
    ],
)
def test_without_a_rule_and_a_reason_it_lets_nothing_pass(comment: str) -> None:
    assert read_suppressions(f"x = 1\n\n{comment}\n".encode()) == Suppressions((), ((3, comment),))


@pytest.mark.parametrize(
    "source",
    [
        'op.execute("# dbmigrate: allow DM104 because it is text")',
        '"""\n# dbmigrate: allow DM104 because it is a docstring\n"""',
        "# migrate: allow DM104 because it is somebody else's",
        "# how to write dbmigrate: allow DM104 because …",
        "def broken(:\n",
        "x = '''",
    ],
)
def test_what_only_looks_like_one_is_none(source: str) -> None:
    assert read_suppressions(source.encode()) == Suppressions()


def test_a_history_knows_them(tmp_path: Path) -> None:
    folder = make_history(tmp_path / "migrations", 1)
    path = write_revision(folder, "0002", "0001", "pass  # dbmigrate: allow DM105 because it is a test")
    path.write_text(path.read_text() + "# dbmigrate: allow DM101\n")
    revision = load_history(folder).revisions["0002"]
    assert revision.allows == (("DM105", "it is a test"),)
    assert revision.misread == ((19, "# dbmigrate: allow DM101"),)
