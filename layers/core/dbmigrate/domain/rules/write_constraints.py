"""Ready replacements for constraints: the body of whole revisions, from PostgreSQL's own definitions."""

from __future__ import annotations

import re

from dbmigrate.domain.rules.revision_text import (
    call,
    execute,
    parts,
    plain,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
    word,
)

CHECK = re.compile(r"CHECK \((.*)\)", re.DOTALL)
ACTION = r"(CASCADE|RESTRICT|SET NULL|SET DEFAULT)"
FOREIGN_KEY = re.compile(
    r"FOREIGN KEY \(([^()]+)\) REFERENCES (\w+\.)?(\w+)\(([^()]+)\)"
    rf"(?: ON UPDATE {ACTION})?(?: ON DELETE {ACTION})?"
)


def constraint(name: str, table: str, definition: str) -> str:
    """Added for new rows, then validated: one operation, or where it has no words for it, two revisions."""
    add = added(name, table, definition)
    return revision(add, _drop(table, name.rpartition(".")[2])) if add else _in_two(name, table, definition)


def added(name: str, table: str, definition: str) -> str | None:
    """The operation that adds it; None where there is none for such a constraint."""
    own, where = name.rpartition(".")[2], schema_of(table)
    text = definition.removesuffix(" NOT VALID")
    if check := CHECK.fullmatch(text):
        return call("op.add_check", own, split(table)[1], unwrapped(check[1]), schema=where)
    match = FOREIGN_KEY.fullmatch(text)
    names = [[plain(each) for each in parts(match[at])] for at in (1, 4)] if match else []
    if match is None or None in (*names[0], *names[1]):
        return None
    referent_schema = schema_of(match[2] + match[3]) if match[2] else None
    return call(
        "op.add_foreign_key",
        own,
        split(table)[1],
        match[3],
        *names,
        on_delete=match[6],
        on_update=match[5],
        referent_schema=referent_schema,
        schema=where,
    )


def unwrapped(condition: str) -> str:
    """A condition without the parentheses around all of it."""
    inner = condition[1:-1]
    if not (condition.startswith("(") and condition.endswith(")")):
        return condition
    depth = 0
    for sign in re.sub(r"'(?:[^']|'')*'", "", inner):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return condition
    return inner


def not_null(table: str, column: str) -> str:
    """The operation that proves it by a check first."""
    where = schema_of(table)
    return revision(
        call("op.set_not_null", split(table)[1], column, schema=where),
        call("op.alter_column", split(table)[1], column, nullable=True, schema=where),
    )


def _in_two(name: str, table: str, definition: str) -> str:
    own = name.rpartition(".")[2]
    plain_one = definition.removesuffix(" NOT VALID")
    add = execute(f"ALTER TABLE {sql_name(table)} ADD CONSTRAINT {word(own)} {plain_one} NOT VALID")
    return revisions(
        revision(add, _drop(table, own)),
        revision(
            execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {word(own)}"),
            "\n".join((_drop(table, own), add)),
        ),
    )


def _drop(table: str, own: str) -> str:
    return call("op.drop_constraint", own, split(table)[1], schema=schema_of(table))
