"""House rules that a machine can keep: sizes, docstrings, the rules' pages, nothing of any one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from dbmigrate.domain.rules import RULES

ROOT = Path(__file__).parents[1]
MOST_LINES = 300
# A file longer than that says here why it reads better whole.
LONG_FOR_A_REASON: dict[str, str] = {}
HOSTS = re.compile(r"(?i)\b(pypi\.org|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com)\b")
MACHINE_PATH = re.compile(r"(?<![\w.}$)\]*-])/(?:root|work|home/\w+|Users/\w+)/")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


TRACKED = tracked()
PYTHON = [path for path in TRACKED if path.suffix == ".py"]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")


def test_a_file_is_short_enough_to_be_read() -> None:
    lengths = {name(path): len(text_of(path).splitlines()) for path in PYTHON}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {
        path: lengths[path] for path in LONG_FOR_A_REASON
    }


def test_every_module_says_what_it_is_for() -> None:
    trees = {name(path): ast.parse(text_of(path)) for path in PYTHON}
    assert [path for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_nothing_belongs_to_one_machine() -> None:
    lines = (
        (path, number, line) for path in TRACKED for number, line in enumerate(text_of(path).splitlines(), 1)
    )
    found = [
        f"{name(path)}:{number}: {line.strip()}"
        for path, number, line in lines
        if MACHINE_PATH.search(line) or (HOSTS.search(line) and path != Path(__file__))
    ]
    assert found == [], "a path of one machine or a registry's name"


PAGE = ROOT / "docs" / "rules.md"
SECTIONS = dict(
    re.findall(r"^### (DM\d+)[^\n]*\n(.*?)(?=^##|\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
)


def test_every_rule_has_its_section_and_no_other_has() -> None:
    assert list(SECTIONS) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_section_explains_and_shows_both_ways(rule: str) -> None:
    title = re.search(rf"^### {rule}: (.*)$", PAGE.read_text(), re.MULTILINE)
    assert title and title[1].lower() == RULES[rule].title.lower()
    for part in ("**What it sees.**", "**Why it hurts.**", "**Bad**", "**Write instead**"):
        assert SECTIONS[rule].count(part) == 1, f"{rule} has no {part}"
    assert SECTIONS[rule].count("```python") >= 2
    for example in re.findall(r"```python\n(.*?)```", SECTIONS[rule], re.DOTALL):
        ast.parse(example)
