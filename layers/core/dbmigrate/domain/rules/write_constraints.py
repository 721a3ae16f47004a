"""Ready replacements for constraints: the body of whole revisions, from PostgreSQL's own definitions."""

from __future__ import annotations

from dbmigrate.domain.rules.revision_text import (
    call,
    execute,
    revision,
    revisions,
    schema_of,
    split,
    sql_name,
    word,
)


def not_valid(name: str, table: str, definition: str) -> str:
    """Add it for new rows, and validate the old ones in the next revision."""
    constraint = name.rpartition(".")[2]
    plain = definition.removesuffix(" NOT VALID")
    return revisions(
        revision(_add(table, constraint, plain), _drop(table, constraint)),
        revision(
            execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {word(constraint)}"),
            "\n".join((_drop(table, constraint), _add(table, constraint, plain))),
        ),
    )


def not_null(table: str, column: str) -> str:
    """A check first, which is validated, believed, and dropped."""
    check = f"ck_{split(table)[1]}_{column}_not_null"[:63]
    definition = f"CHECK ({word(column)} IS NOT NULL)"
    where = schema_of(table)
    set_it = call("op.alter_column", split(table)[1], column, nullable=False, schema=where)
    unset = call("op.alter_column", split(table)[1], column, nullable=True, schema=where)
    last = revision(
        "\n".join((set_it, _drop(table, check))),
        "\n".join((_add(table, check, definition), unset, _validate(table, check))),
    )
    return revisions(not_valid(f"{table}.{check}", table, definition), last)


def _validate(table: str, constraint: str) -> str:
    return execute(f"ALTER TABLE {sql_name(table)} VALIDATE CONSTRAINT {word(constraint)}")


def _add(table: str, constraint: str, definition: str) -> str:
    return execute(f"ALTER TABLE {sql_name(table)} ADD CONSTRAINT {word(constraint)} {definition} NOT VALID")


def _drop(table: str, constraint: str) -> str:
    return call("op.drop_constraint", constraint, split(table)[1], schema=schema_of(table))
