"""docs/rules.md, rendered from the rules and their cases: python -m tests.rules.render"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

from tests.rules.case import CONSTANTS, Case, cases

from dbmigrate.domain.findings import Rule
from dbmigrate.domain.rules import RULES

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
INTRODUCTION = Path(__file__).with_name("introduction.md")
# What an example shows besides its upgrade, because the rule is about it.
SHOWS = {"DM102": ("downgrade",), "DM105": ("docstring",)}


def page() -> str:
    """The whole page."""
    sections = [section(RULES[number]) for number in sorted(RULES)]
    return "\n".join([INTRODUCTION.read_text(), *sections])


def section(rule: Rule) -> str:
    """One rule: what it sees, why it hurts, and both ways of its cases."""
    sees = " ".join((rule.check.__doc__ or "").split())
    parts = [
        f"### {rule.id}: {sentence(rule.title).removesuffix('.')}",
        wrapped(f"**What it sees.** {sees}"),
        wrapped(f"**Why it hurts.** {sentence(rule.hurts)}"),
        "**Bad**",
        *(example(case) for case in cases("bad") if case.rule == rule.id),
        wrapped(f"**Write instead** {sentence(rule.instead)}"),
        *(example(case) for case in cases("good") if case.rule == rule.id),
    ]
    return "\n\n".join(parts) + "\n"


def sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")


def wrapped(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def example(case: Case) -> str:
    """The code of a case's files, each in its own fence."""
    return "\n\n".join(f"```python\n{shown(path, case.rule)}\n```" for path in case.files)


def shown(path: Path, rule: str) -> str:
    """A file without what every revision has: imports, a constant of the test, docstring and downgrade."""
    text = path.read_text()
    lines, more = text.splitlines(), SHOWS.get(rule, ())
    kept = []
    for statement in ast.parse(text).body:
        if not _hidden(statement, more):
            kept.append("\n".join(lines[statement.lineno - 1 : statement.end_lineno]))
    return "\n\n\n".join(kept)


def _hidden(statement: ast.stmt, more: tuple[str, ...]) -> bool:
    if isinstance(statement, ast.Expr):
        return "docstring" not in more
    if isinstance(statement, ast.FunctionDef):
        return statement.name == "downgrade" and "downgrade" not in more
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]) in CONSTANTS
    return isinstance(statement, ast.Import | ast.ImportFrom)


if __name__ == "__main__":
    PAGE.write_text(page())
