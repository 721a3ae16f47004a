"""The text of a revision that we propose: Alembic's operations in an upgrade and a downgrade."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

NEXT = "\n\n\n# The next revision:\n\n\n"
WIDTH = 100
PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
QUOTED = re.compile(r'"(?:[^"]|"")+"')
PIECES = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^'"]""", re.DOTALL)
BIND = re.compile(r"(?<![:\w\\]):(?=\w)")


def revision(up: str, down: str) -> str:
    """Both ways; ``up`` and ``down`` are Python that is not yet indented."""
    return "\n\n\n".join(
        f"def {name}() -> None:\n{textwrap.indent(body, '    ')}"
        for name, body in (("upgrade", up), ("downgrade", down))
    )


def revisions(*texts: str) -> str:
    """Several in turn, each a file of its own."""
    return NEXT.join(texts)


def outside(body: str) -> str:
    """The body outside of a transaction."""
    return f"with op.get_context().autocommit_block():\n{textwrap.indent(body, '    ')}"


def execute(sql: str) -> str:
    """An op.execute. A colon before a word would be a bound value to SQLAlchemy, hence the backslash."""
    return call("op.execute", BIND.sub(r"\\:", sql))


@dataclass(frozen=True)
class Code:
    """Python as it stands, among a call's values."""

    text: str


def sql_text(sql: str) -> Code:
    """An expression for an operation that takes names or SQLAlchemy's text."""
    return Code(call("sa.text", BIND.sub(r"\\:", sql)))


def quoted(text: str) -> str:
    """A string literal, in double quotes where that needs no escapes."""
    if '"' in text or "\n" in text:
        return repr(text)
    return '"' + text.replace("\\", "\\\\") + '"'


def call(function: str, *given: Any, **named: Any) -> str:
    """A call; names whose value is None are left out."""
    parts = [_value(value) for value in given]
    parts += [f"{name}={_value(value)}" for name, value in named.items() if value is not None]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= WIDTH:
        return line
    return f"{function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _value(value: Any) -> str:
    if isinstance(value, Code):
        return value.text
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return quoted(value) if isinstance(value, str) else repr(value)


def split(name: str) -> tuple[str, str]:
    """Schema and name."""
    schema, _, last = name.partition(".")
    return schema, last


def schema_of(table: str) -> str | None:
    """The schema as Alembic's operations want it: None for public."""
    schema = split(table)[0]
    return None if schema == "public" else schema


def sql_name(name: str) -> str:
    """The full name as SQL needs it; public stays out, as people write it."""
    schema, last = split(name)
    return word(last) if schema == "public" else f"{word(schema)}.{word(last)}"


def parts(text: str) -> list[str]:
    """A list of SQL at its outermost commas: ``lower(a, 'x'), "b"``."""
    found, depth = [""], 0
    for piece in PIECES.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and not depth:
            found.append("")
        else:
            found[-1] += piece
    return [each.strip() for each in found]


def plain(name: str) -> str | None:
    """The name that an SQL identifier is; None for anything else."""
    if QUOTED.fullmatch(name):
        return name[1:-1].replace('""', '"')
    return name if PLAIN.fullmatch(name) else None


def word(name: str) -> str:
    """One identifier, quoted unless it is plain."""
    return name if PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
