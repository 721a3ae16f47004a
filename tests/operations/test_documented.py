"""docs/operations.md names every operation, with the signatures of the code and examples that fit them."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from alembic.operations import Operations

from dbmigrate.adapters import operations

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
TITLES = [name for line in re.findall(r"^## (.*)$", TEXT, re.MULTILINE) for name in line.split(", ")]
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def registered() -> set[str]:
    """The operations of every module that the package imports."""
    sources = (Path(getattr(operations, name).__file__ or "").read_text() for name in operations.__all__)
    return {name for text in sources for name in re.findall(r'register_operation\("(\w+)"\)', text)}


def signature(name: str) -> inspect.Signature:
    return inspect.signature(getattr(Operations, name))


def test_every_operation_is_documented() -> None:
    assert registered() == set(re.findall(r"`op\.(\w+)\(", TEXT)) & registered()
    assert {name for name in registered() if not name.startswith("revert_")} == set(TITLES)
    assert len(TITLES) == len(set(TITLES)) >= 13


@pytest.mark.parametrize("name", TITLES)
def test_its_signature_is_the_codes(name: str) -> None:
    [told] = re.findall(rf"`op\.{name}\((.*?)\)`", TEXT, re.DOTALL)
    [node] = ast.parse(f"def told({told}): pass").body
    assert isinstance(node, ast.FunctionDef)
    taken = [each for each in signature(name).parameters.values() if each.name != "self"]
    by_place = [each.name for each in taken if each.kind is not each.KEYWORD_ONLY]
    by_name = {each.name for each in taken if each.kind is each.KEYWORD_ONLY}
    assert [each.arg for each in node.args.args] == by_place
    assert {each.arg for each in node.args.kwonlyargs} == by_name


@pytest.mark.parametrize("name", TITLES)
def test_its_example_fits(name: str) -> None:
    calls = [
        call
        for code in EXAMPLES
        for call in ast.walk(ast.parse(code))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == f"op.{name}"
    ]
    assert calls
    for call in calls:
        signature(name).bind(None, *call.args, **{str(each.arg): each for each in call.keywords})
