"""The operations of `create --safe` on columns and their rows."""

from __future__ import annotations

from typing import Any

import click

from dbmigrate_cli.safe_operations import COLUMN, KEY, SCHEMA, TABLE, WHERE, argument, safe
from dbmigrate_cli.safe_words import Code, Draft, Names, call, columns_of, is_constant, type_of


@safe("set-not-null", "users email", TABLE, COLUMN, SCHEMA)
def set_not_null(names: Names, table: str, column: str, schema: str | None) -> list[Draft]:
    return [
        Draft(
            f"{column} of {table} is never null",
            "So that nobody need handle its absence. Old rows are checked without holding up anybody.",
            "allow NULL again; nothing is lost.",
            call("set_not_null", table, column, schema=schema),
            call("alter_column", table, column, nullable=Code("True"), schema=schema),
        )
    ]


@safe(
    "add-column",
    "users token uuid --default 'gen_random_uuid()' --not-null",
    TABLE,
    COLUMN,
    argument("type"),
    click.option("--default", metavar="SQL"),
    click.option("--not-null", is_flag=True),
    KEY,
    SCHEMA,
)
def add_column(
    names: Names,
    table: str,
    column: str,
    type: str,
    default: str | None,
    not_null: bool,
    key: str,
    schema: str | None,
) -> list[Draft]:
    """A default that is the same for every row is no work; any other is filled in, batch by batch."""
    if not_null and default is None:
        raise click.UsageError("--not-null needs a --default, for the rows that are there.")
    how = f", nullable={not not_null}" if not_null else ""
    made = f"sa.Column({_text(column)}, {type_of(type)}{how})"
    if default is None or is_constant(default):
        given = "" if default is None else f", server_default=sa.text({_text(default)})"
        up = call("add_column", table, Code(made[:-1] + given + ")"), schema=schema)
        work = "No row is touched."
    else:
        walked = columns_of(key)
        up = call("add_column_with_default", table, Code(made), default, key=list(walked), schema=schema)
        work = "Old rows get its default batch by batch."
    return [
        Draft(
            f"add {column} to {table}",
            f"Say here who needs it. {work}",
            f"drop the column; what was written to {column} is lost.",
            up,
            call("drop_column", table, column, schema=schema),
        )
    ]


def _text(value: str) -> str:
    return call("", value)[4:-1]


@safe(
    "backfill",
    'users "name = full_name" --where "name IS NULL"',
    TABLE,
    argument("set"),
    WHERE,
    KEY,
    SCHEMA,
)
def backfill(
    names: Names, table: str, set: str, where: str | None, key: str, schema: str | None
) -> list[Draft]:
    """SET is what stands behind SET in an UPDATE."""
    if "=" not in set:
        raise click.UsageError(f"'{set}' assigns nothing.")
    return [
        Draft(
            f"backfill {table}",
            f"Write {set} into the rows that are there, batch by batch.",
            "nothing; what the rows had before is lost, so the values stay.",
            call("backfill", table, set, where, key=list(columns_of(key)), schema=schema)
            if where
            else call("backfill", table, set, key=list(columns_of(key)), schema=schema),
            "pass",
        )
    ]


@safe("rename-column", "users full_name name", TABLE, argument("old"), argument("new"), SCHEMA)
def rename_column(names: Names, table: str, old: str, new: str, schema: str | None) -> list[Draft]:
    """Two revisions: deploy the application that reads and writes the new name between them."""
    expand = call("expand_column_rename", table, old, new, schema=schema)
    contract = call("contract_column_rename", table, old, new, schema=schema)
    return [
        Draft(
            f"expand {old} of {table} to {new}",
            f"Both columns are kept the same by a trigger, so that old and new code run side by side.\n\n"
            f"Then: deploy the code that uses {new}; after it, the revision that contracts.",
            f"drop {new}; {old} has all of it.",
            expand,
            call("revert_column_rename", table, old, new, schema=schema),
        ),
        Draft(
            f"contract {old} of {table}",
            f"No code uses {old} any more: the trigger and the column go.",
            f"make {old} again beside {new}, with its values; nothing is lost.",
            contract,
            call("revert_contract_column_rename", table, old, new, schema=schema),
        ),
    ]


@safe(
    "change-type",
    "orders id bigint --from integer",
    TABLE,
    COLUMN,
    argument("type"),
    click.option("--from", "was", metavar="TYPE", required=True, help="The type that it has."),
    click.option("--using", metavar="SQL", help="The new value out of the old one."),
    click.option("--reverse-using", metavar="SQL", help="The old value out of the new one."),
    SCHEMA,
)
def change_type(
    names: Names, table: str, column: str, type: str, was: str, schema: str | None, **how: Any
) -> list[Draft]:
    """Three revisions, in order."""
    place, old = {"schema": schema}, type_of(was)
    return [
        Draft(
            f"expand {column} of {table} to {type}",
            "A second column of the new type is filled and kept the same by a trigger.",
            "drop the second column; the first one has all of it.",
            call("expand_column_type", table, column, type_of(type), **how, **place),
            call("revert_column_type", table, column, **place),
        ),
        Draft(
            f"swap {column} of {table} to {type}",
            "The two columns change their names in one short transaction; the trigger goes on.",
            "change the names back; nothing is lost.",
            call("swap_column_type", table, column, **place),
            call("revert_swap_column_type", table, column, **place),
        ),
        Draft(
            f"contract {column} of {table}",
            "The column of the old type and the trigger go.",
            "make the column of the old type again, with its values.",
            call("contract_column_type", table, column, **place),
            call("revert_contract_column_type", table, column, old, **how, **place),
        ),
    ]
