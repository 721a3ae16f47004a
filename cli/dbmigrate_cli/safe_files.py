"""Writes the revisions of `create --safe`: files from the project's template, filled in."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.errors import Misconfigured
from dbmigrate_cli import safe_columns  # noqa: F401  registers its operations
from dbmigrate_cli.revision_file import checked_message, write_revision
from dbmigrate_cli.safe_operations import COMMANDS, EXAMPLES
from dbmigrate_cli.safe_words import Draft, Names

WIDTH = 100
IMPORTS = {
    "sa.": ("sa", "import sqlalchemy as sa"),
    "postgresql.": ("postgresql", "from sqlalchemy.dialects import postgresql"),
    "op.": ("op", "from alembic import op"),
    "context.": ("context", "from alembic import context"),
}


def drafts(operation: str, arguments: Sequence[str], names: Names) -> list[Draft]:
    """The revisions that an operation needs. Raises click.UsageError with an example."""
    try:
        found: list[Draft] = COMMANDS[operation].main(
            [*arguments], prog_name=f"db-migrate create --safe {operation}", obj=names, standalone_mode=False
        )
    except click.UsageError as error:
        raise click.UsageError(
            f"{operation}: {error.format_message()} For example: {EXAMPLES[operation]}"
        ) from error
    return found


def write_drafts(load: Callable[[], History], found: Sequence[Draft]) -> list[Path]:
    """Write them in order, each after the one before; all of them or none. ``load`` reads the history anew.

    Raises what write_revision raises.
    """
    written: list[Path] = []
    try:
        for draft in found:
            path = write_revision(load(), checked_message(draft.message))
            assert path is not None
            written.append(path)
            path.write_text(filled(path.read_text(encoding="utf-8"), draft), encoding="utf-8")
        load()
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written


def filled(source: str, draft: Draft) -> str:
    """The file that the template made, with the draft in its places. Raises Misconfigured."""
    tree = ast.parse(source)
    lines = source.splitlines()
    bodies = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if not {"upgrade", "downgrade"} <= bodies.keys():
        raise Misconfigured(
            "script.py.mako makes a file without upgrade() or downgrade().",
            "mend the template, then the same command again",
        )
    # From the end on, so that the places before stay where they are.
    for name in sorted(("upgrade", "downgrade"), key=lambda name: -bodies[name].lineno):
        body = bodies[name].body
        text = draft.up if name == "upgrade" else draft.down
        lines[body[0].lineno - 1 : body[-1].end_lineno] = textwrap.indent(text, "    ").splitlines()
    lines = _with_docstring(tree, lines, draft)
    return "\n".join(_with_imports(lines, draft)) + "\n"


def _with_docstring(tree: ast.Module, lines: list[str], draft: Draft) -> list[str]:
    first = tree.body[0] if tree.body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    end = first.end_lineno if told and first and first.end_lineno else 0
    paragraphs = [
        f"{draft.message[:1].upper()}{draft.message[1:]}.",
        *draft.purpose.split("\n\n"),
        f"Rollback: {draft.rollback}",
    ]
    text = "\n\n".join(textwrap.fill(part, WIDTH) for part in paragraphs)
    quoted = text.replace("\\", "\\\\").replace('"""', "'''")
    return [*f'"""{quoted}\n"""'.split("\n"), *lines[end:]]


def _with_imports(lines: list[str], draft: Draft) -> list[str]:
    """Add the imports that the template has not."""
    code = f"{draft.up}\n{draft.down}"
    source = "\n".join(lines)
    imported = {
        alias.asname or alias.name
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    missing = [line for use, (name, line) in IMPORTS.items() if use in code and name not in imported]
    if not missing:
        return lines
    tree = ast.parse(source)
    place = max(
        (node.end_lineno or 0 for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)),
        default=tree.body[0].end_lineno or 0,
    )
    return [*lines[:place], *missing, *lines[place:]]
