"""The rooms and who may import whom: read from the source of every file, not from what is loaded."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = ROOT / "layers" / "core" / "dbmigrate"
ROOMS = {
    "domain": CORE / "domain",
    "service": CORE / "service",
    "adapters": CORE / "adapters",
    "runtime": CORE / "runtime",
    "functions": ROOT / "functions",
    "cli": ROOT / "cli",
    "local": ROOT / "local",
}
MAY_IMPORT = {
    "domain": {"domain"},
    "service": {"domain", "service"},
    "adapters": {"domain", "adapters"},
    "runtime": {"domain", "service", "adapters", "runtime"},
    "functions": {"domain", "service", "runtime"},
    "cli": {"domain", "service", "adapters", "runtime", "local", "cli"},
    "local": {"domain", "service", "adapters", "runtime", "local"},
}
# Outside of the standard library. None: whatever is installed.
LIBRARIES: dict[str, set[str] | None] = {
    "domain": set(),
    "service": set(),
    "adapters": {"boto3", "botocore", "sqlalchemy", "alembic", "pg8000"},
    "runtime": {"aws_lambda_powertools"},
    "functions": set(),
    "cli": None,
    "local": None,
}
READS_ENVIRON = {"runtime", "cli", "local"}
OWNERS = {"dbmigrate_cli": "cli", "dbmigrate_local": "local", "functions": "functions"}


@dataclass(frozen=True)
class Import:
    """One name that one file imports, as it is written."""

    path: str
    line: int
    name: str

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str | None:
        """Which room it leads to; None for a library."""
        if self.top == "dbmigrate":
            return (self.name.split(".") + ["", ""])[1]
        return OWNERS.get(self.top)


def imports_of(tree: ast.AST, path: str) -> Iterator[Import]:
    """Every import, also those inside functions and of TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield Import(path, node.lineno, "." * node.level + (node.module or ""))
        elif isinstance(node, ast.ImportFrom):
            deeper = node.module in ("dbmigrate", "os")
            names = [f"{node.module}.{alias.name}" for alias in node.names] if deeper else [node.module or ""]
            yield from (Import(path, node.lineno, name) for name in names)


def environment_of(tree: ast.AST) -> Iterator[int]:
    """Lines that read the process's environment."""
    for node in ast.walk(tree):
        asked = node.attr if isinstance(node, ast.Attribute) else getattr(node, "name", "")
        if asked in ("environ", "environb", "getenv") and _is_of_os(node):
            yield getattr(node, "lineno", 0)


def _is_of_os(node: ast.AST) -> bool:
    if isinstance(node, ast.alias):
        return True
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"


def broken_walls(room: str, source: str, path: str) -> list[str]:
    """A sentence for each import of this source that its room does not allow."""
    tree = ast.parse(source)
    said = [trouble for each in imports_of(tree, path) if (trouble := _trouble(room, each))]
    if room not in READS_ENVIRON:
        said += [f"{path}:{line} reads the environment, but only {_list(READS_ENVIRON)} may"
                 for line in environment_of(tree)]  # fmt: skip
    return said


def _trouble(room: str, found: Import) -> str | None:
    where = f"{found.path}:{found.line} imports {found.name}"
    if found.name.startswith("."):
        return f"{where}, but a name is written in full, so that everybody sees which room it leads to"
    if found.room is not None:
        allowed = found.room in MAY_IMPORT[room] or found.name == "dbmigrate"
        return None if allowed else f"{where}, but {room} may import only {_list(MAY_IMPORT[room])}"
    libraries = LIBRARIES[room]
    if libraries is None or found.top in sys.stdlib_module_names or found.top in libraries:
        return None
    return f"{where}, but of libraries {room} may import only {_list(libraries) or 'the standard one'}"


def _list(names: set[str]) -> str:
    return ", ".join(sorted(names))


FILES = [(room, path) for room, folder in ROOMS.items() for path in sorted(folder.rglob("*.py"))]


@pytest.mark.parametrize(("room", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_every_file_keeps_to_its_room(room: str, path: Path) -> None:
    assert broken_walls(room, path.read_text(), str(path.relative_to(ROOT))) == []


def test_every_file_is_in_a_room() -> None:
    housed = {path for _, path in FILES}
    outside = {path for path in CORE.rglob("*.py") if path.parent != CORE} - housed
    assert outside == set()
    assert {room for room, _ in FILES} == set(ROOMS)


MADE_UP = [
    ("domain", "from dbmigrate.service import upgrade", "domain may import only domain"),
    ("domain", "import sqlalchemy", "domain may import only the standard one"),
    ("domain", "def f():\n    import boto3", "x.py:2 imports boto3"),
    ("domain", "from . import plan", "a name is written in full"),
    ("domain", "from dbmigrate import adapters", "imports dbmigrate.adapters"),
    (
        "service",
        "from dbmigrate.adapters.database import Database",
        "service may import only domain, service",
    ),
    (
        "service",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import alembic",
        "x.py:3 imports alembic",
    ),
    ("service", "import os\nwho = os.environ['USER']", "x.py:2 reads the environment"),
    ("service", "from os import getenv", "x.py:1 reads the environment"),
    (
        "adapters",
        "from dbmigrate.service.upgrade import upgrade",
        "adapters may import only adapters, domain",
    ),
    ("adapters", "import aws_lambda_powertools", "imports aws_lambda_powertools"),
    ("adapters", "import os\nos.environ.get('X')", "only cli, local, runtime may"),
    ("runtime", "import boto3", "imports boto3"),
    ("runtime", "from functions.upgrade import app", "imports functions.upgrade"),
    (
        "functions",
        "from dbmigrate.adapters import ledger",
        "functions may import only domain, runtime, service",
    ),
    ("functions", "import os\nprint(os.getenv('X'))", "reads the environment"),
    ("functions", "import boto3", "imports boto3"),
    ("cli", "from functions.upgrade.app import handler", "cli may import only"),
    ("local", "import dbmigrate_cli.main", "local may import only"),
]


@pytest.mark.parametrize(("room", "source", "said"), MADE_UP)
def test_a_broken_wall_is_named(room: str, source: str, said: str) -> None:
    found = broken_walls(room, source, "x.py")
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("domain", "import json\nfrom dbmigrate.domain.plan import Plan"),
        ("service", "from dbmigrate.domain import plan\nfrom dbmigrate.service.ports import Database"),
        ("adapters", "import os, boto3\nfrom alembic.config import Config\nos.fsync(1)"),
        ("runtime", "import os\nfrom aws_lambda_powertools import Logger\nos.environ"),
        ("cli", "import click, os\nfrom dbmigrate_local import stand_in\nos.environ['X']"),
        ("domain", "class Row:\n    environ = 1\nRow().environ"),
    ],
)
def test_an_open_door_is_open(room: str, source: str) -> None:
    assert broken_walls(room, source, "x.py") == []
