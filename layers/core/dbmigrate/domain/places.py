"""Where in a revision's file a statement comes from, as far as its text shows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

NO_OPERATIONS = {"get_bind", "get_context", "f", "inline_literal", "autocommit_block", "batch_alter_table"}


def line_of_statement(source: str, statements: Sequence[str], number: int | None) -> int:
    """The line of the operation that sent the statement, counted from 1; that of ``upgrade`` where several
    could have, or where it is hidden in a helper."""
    upgrade = _function(source, "upgrade")
    if upgrade is None:
        return 1
    calls = list(_operations(upgrade))
    if number is None or not calls or number > len(statements):
        return upgrade.lineno
    if len(calls) == len(statements):
        return calls[number - 1].lineno
    words = _words(statements[number - 1])
    shared = [len(words & _words(ast.get_source_segment(source, call) or "")) for call in calls]
    return calls[shared.index(max(shared))].lineno if max(shared) else upgrade.lineno


def line_of_function(source: str, name: str) -> int:
    """The line where a function of the module begins, else 1."""
    found = _function(source, name)
    return found.lineno if found else 1


def _function(source: str, name: str) -> ast.FunctionDef | None:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    return next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)


def _operations(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Calls of ``op.…``, of a batch and of ``….execute``, in the order of the text."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        called = call.func
        if isinstance(called, ast.Attribute) and called.attr not in NO_OPERATIONS:
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if owner == "op" or owner.startswith("batch") or called.attr == "execute":
                yield call


def _words(text: str) -> set[str]:
    """Its words, and the parts of those that are joined: add_column does what ADD COLUMN says."""
    words = set(re.findall(r"\w\w+", text.lower()))
    return words | {part for word in words for part in word.split("_") if len(part) > 1}
