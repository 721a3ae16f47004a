"""The operations of `create --safe` on indexes and constraints, and how an operation is declared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from dbmigrate_cli.safe_words import Draft, Names, call, columns_of

EXAMPLES: dict[str, str] = {}
COMMANDS: dict[str, click.Command] = {}
SCHEMA = click.option("--schema", metavar="NAME", help="The table's schema.")
NAME = click.option("--name", metavar="NAME", help="Of the index or constraint. Default: the convention's.")
KEY = click.option("--key", metavar="A,B", default="", help="Columns to walk by. Default: the primary key.")
UNIQUE = click.option("--unique", is_flag=True)
WHERE = click.option("--where", metavar="SQL")
USING = click.option("--using", metavar="METHOD")
INCLUDE = click.option("--include", metavar="A,B", default="")
INDEX_OPTIONS = (UNIQUE, WHERE, USING, INCLUDE, SCHEMA)
Write = Callable[..., list[Draft]]


def safe(name: str, example: str, *options: Callable[[Any], Any]) -> Callable[[Write], Write]:
    """Make it an operation. ``example`` are its arguments, as a usage error shows them."""

    def add(write: Write) -> Write:
        made: Any = click.pass_obj(write)
        for option in reversed(options):
            made = option(made)
        EXAMPLES[name] = f"db-migrate create --safe {name} {example}"
        COMMANDS[name] = click.Command(
            name, callback=made, params=getattr(made, "__click_params__", [])[::-1]
        )
        return write

    return add


def argument(name: str, **more: Any) -> Callable[[Any], Any]:
    return click.argument(name, **more)


TABLE, COLUMN, COLUMNS = argument("table"), argument("column"), argument("columns", nargs=-1, required=True)


@safe("create-index", "posts author_id", TABLE, COLUMNS, NAME, *INDEX_OPTIONS)
def create_index(
    names: Names, table: str, columns: Sequence[str], name: str | None, **how: Any
) -> list[Draft]:
    name, unique = name or names.of("ix", table, columns), "unique " if how["unique"] else ""
    return [
        Draft(
            f"index {table} by {', '.join(columns)}",
            f"So that queries by it need not read {table} whole. The {unique}index is built in peace.",
            "drop the index; nothing is lost.",
            _created(name, table, columns, how),
            call("drop_index_concurrently", name, table, schema=how["schema"]),
        )
    ]


@safe("drop-index", "posts ix_posts_author_id author_id", TABLE, argument("name"), COLUMNS, *INDEX_OPTIONS)
def drop_index(names: Names, table: str, name: str, columns: Sequence[str], **how: Any) -> list[Draft]:
    """The columns and options say how the downgrade builds it again."""
    return [
        Draft(
            f"drop index {name}",
            f"It costs every write of {table} and serves no query. Nobody waits while it is dropped.",
            "build the index again, while others write; nothing is lost.",
            call("drop_index_concurrently", name, table, schema=how["schema"]),
            _created(name, table, columns, how),
        )
    ]


def _created(name: str, table: str, columns: Sequence[str], how: dict[str, Any]) -> str:
    options = {**how, "include": columns_of(how["include"])}
    return call("create_index_concurrently", name, table, list(columns), **options)


@safe(
    "add-foreign-key",
    "posts author_id users id --on-delete CASCADE",
    TABLE,
    COLUMN,
    argument("referent"),
    argument("referred", default="id"),
    click.option("--on-delete", metavar="ACTION"),
    click.option("--on-update", metavar="ACTION"),
    NAME,
    SCHEMA,
)
def add_foreign_key(
    names: Names, table: str, column: str, referent: str, referred: str, name: str | None, **how: Any
) -> list[Draft]:
    """Several columns are written a,b."""
    columns, targets = columns_of(column), columns_of(referred)
    if len(columns) != len(targets):
        raise click.UsageError(f"{column} and {referred} are not as many columns.")
    name = name or names.of("fk", table, columns, (referent, targets))
    return [
        Draft(
            f"reference {referent} from {table}",
            f"So that every {column} of {table} is there. Old rows are checked without holding up anybody.",
            "drop the constraint; nothing is lost.",
            call("add_foreign_key", name, table, referent, list(columns), list(targets), **how),
            _dropped(names, "fk", name, table, "foreignkey", how["schema"]),
        )
    ]


@safe("add-check", 'orders "amount > 0" --name amount_positive', TABLE, argument("condition"), NAME, SCHEMA)
def add_check(names: Names, table: str, condition: str, name: str | None, schema: str | None) -> list[Draft]:
    name = names.of("ck", table, (), token=name or "")
    return [
        Draft(
            f"check {table}: {name}",
            f"So that no row breaks it: {condition}. Old rows are checked without holding up anybody.",
            "drop the constraint; nothing is lost.",
            call("add_check", name, table, condition, schema=schema),
            _dropped(names, "ck", name, table, "check", schema),
        )
    ]


@safe("add-unique", "users email", TABLE, COLUMNS, NAME, SCHEMA)
def add_unique(
    names: Names, table: str, columns: Sequence[str], name: str | None, schema: str | None
) -> list[Draft]:
    name = name or names.of("uq", table, columns)
    return [
        Draft(
            f"unique {', '.join(columns)} in {table}",
            "So that no two rows have the same. Its index is built while others write.",
            "drop the constraint and its index; nothing is lost.",
            call("add_unique", name, table, list(columns), schema=schema),
            _dropped(names, "uq", name, table, "unique", schema),
        )
    ]


def _dropped(names: Names, kind: str, name: str, table: str, type_: str, schema: str | None) -> str:
    return call("drop_constraint", names.final(kind, name), table, type_=type_, schema=schema)
