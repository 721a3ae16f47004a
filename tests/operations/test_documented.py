"""docs/operations.md names every operation, and its examples are calls that the operations take."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from dbmigrate.adapters import operations

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in TEXT.split("\n## ")[1:]}


def registered() -> set[str]:
    """The operations of every module that the package imports."""
    sources = (Path(getattr(operations, name).__file__ or "").read_text() for name in operations.__all__)
    return {name for text in sources for name in re.findall(r'register_operation\("(\w+)"\)', text)}


def test_every_operation_is_documented() -> None:
    assert set(SECTIONS) == registered()
    assert len(registered()) >= 8


@pytest.mark.parametrize("name", SECTIONS)
def test_its_example_and_its_signature_are_true(name: str) -> None:
    said = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": said}
    )
    code = re.findall(r"```python\n(.*?)```", SECTIONS[name], re.DOTALL)
    assert code and all(f"op.{name}(" in each for each in code[:1])
    with context.begin_transaction(_per_migration=False):
        exec(code[0], {"op": Operations(context), "sa": sa})
    assert ";" in said.getvalue()
    [told] = re.findall(rf"`op\.{name}\((.*?)\)`", SECTIONS[name], re.DOTALL)
    arguments = set(re.findall(r"(\w+)(?:=|,|$)", re.sub(r"=\(\)|=\w+", "=", told)))
    taken = set(getattr(Operations, name).__code__.co_varnames) - {"self"}
    assert arguments == taken
