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
PUBLIC = [path for path in PYTHON if path.is_relative_to(ROOT / "layers") and not path.name.startswith("_")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="ignore")


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_a_file_is_short_enough_to_be_read(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES or name(path) in LONG_FOR_A_REASON, f"{name(path)} has {lines} lines"


def test_no_reason_outlives_its_file() -> None:
    assert {
        path for path in LONG_FOR_A_REASON if len((ROOT / path).read_text().splitlines()) <= MOST_LINES
    } == set()


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree), f"{name(path)} has no docstring"


@pytest.mark.parametrize("path", TRACKED, ids=name)
def test_nothing_belongs_to_one_machine(path: Path) -> None:
    for number, line in enumerate(text_of(path).splitlines(), 1):
        assert not MACHINE_PATH.search(line), (
            f"{name(path)}:{number} names a path of one machine: {line.strip()}"
        )
        assert not HOSTS.search(line) or path == Path(__file__), f"{name(path)}:{number} names a registry"


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
