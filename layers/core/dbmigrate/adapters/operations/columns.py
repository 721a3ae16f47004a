"""Columns that get a default or lose their NULLs while others write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from alembic.operations import Operations
from sqlalchemy import Column

from dbmigrate.adapters.operations.batches import backfill_rows
from dbmigrate.adapters.operations.constraint import Constraint
from dbmigrate.adapters.operations.keys import key_of
from dbmigrate.adapters.operations.look import (
    TWIN,
    WRITER,
    compare,
    full_name,
    of_twin,
    oid_of,
    quoted,
    said,
    value,
)
from dbmigrate.adapters.operations.work import Work, work_again

LONGEST_NAME = 63  # bytes of an identifier
NOT_NULL_STEPS = 4
APART = {
    "primary_key": "a primary key",
    "unique": "unique: op.add_unique",
    "index": "indexed: op.create_index_concurrently",
    "foreign_keys": "a foreign key: op.add_foreign_key",
    "constraints": "checked: op.add_check",
    "server_default": "given a server_default, as the default is an argument of its own",
    "computed": "computed",
    "identity": "an identity",
}
# A column's type, collation and default in one text.
DEFINITION = """format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END
    || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')"""
FROM_COLUMN = """pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"""


@Operations.register_operation("set_not_null")
class SetNotNull:
    @classmethod
    def set_not_null(
        cls, operations: Operations, table: str, column: str, *, schema: str | None = None
    ) -> None:
        """Forbid NULL in a column: by a CHECK that is proved while others write, then for good.

        Raises RevisionFailed when a row has NULL there; the column is then as before.
        """
        identity = {"column": column, "schema": schema}
        with work_again(operations, "set_not_null", table, column, identity, NOT_NULL_STEPS) as at:
            forbid_null(at, table, column, schema)


@Operations.register_operation("add_column_with_default")
class AddColumnWithDefault:
    @classmethod
    def add_column_with_default(
        cls,
        operations: Operations,
        table: str,
        column: Column[Any],
        default: Any,
        *,
        key: str | Sequence[str] | None = None,
        schema: str | None = None,
    ) -> None:
        """Add a column whose default is computed for every row, such as gen_random_uuid(): the column, the
        default for new rows, then the old rows in batches along ``key``, by default the primary key.
        ``default`` is an SQL expression. A nullable=False is set last, as set_not_null does it.

        Raises RevisionFailed when the column is there with another type or default, and ValueError for a
        column that has more than a type, such as a constraint: those have operations of their own.
        """
        new = _Column(table, column, said(default), schema)
        name, steps = str(column.name), 2 if column.nullable else 2 + NOT_NULL_STEPS
        with work_again(operations, "add_column_with_default", table, name, new.identity(), steps) as at:
            new.add(at, key)
            rows = f"{quoted(name)} IS NULL"
            backfill_rows(at, new.target, f"{quoted(name)} = {new.default}", rows, key)
            if not column.nullable:
                forbid_null(at, table, name, schema)


def forbid_null(work: Work, table: str, column: str, schema: str | None) -> None:
    """The four steps that end in NOT NULL, wherever they stopped."""
    name, condition = _check_name(column), f"CHECK ({quoted(column)} IS NOT NULL)"
    attribute = f"attrelid = {oid_of(schema, table)} AND attname = {value(column)} AND NOT attisdropped"

    def is_set() -> bool:
        return work.is_true(f"EXISTS (SELECT FROM pg_attribute WHERE {attribute} AND attnotnull)")

    check = Constraint(work, table, schema, name, condition, needed=lambda: not is_set())
    check.add(check.check_as_found, title="forbid NULL in new rows")
    check.prove()
    alter = f"ALTER TABLE {check.target} ALTER COLUMN {quoted(column)} SET NOT NULL"
    work.once("set NOT NULL", is_set, alter)
    check.drop("drop the check")


class _Column:
    """The new column of a table."""

    def __init__(self, table: str, column: Column[Any], default: str, schema: str | None) -> None:
        for attribute, what in APART.items():
            if getattr(column, attribute, None):
                raise ValueError(
                    f"add_column_with_default: {column.name} cannot be {what} from its beginning"
                )
        self.name = str(column.name)
        self.target = full_name(schema, table)
        self.attribute = f"a.attrelid = {oid_of(schema, table)} AND a.attname = {value(self.name)}"
        self.default = default
        self.column = column
        self.added = f"ADD COLUMN {quoted(self.name)} {column.type.compile(dialect=WRITER)}"

    def identity(self) -> dict[str, Any]:
        """All that tells it from others."""
        return {
            "table": self.target,
            "sql": self.added,
            "default": self.default,
            "null": self.column.nullable,
        }

    def add(self, work: Work, key: str | Sequence[str] | None) -> None:
        """The step that adds it with its default: rows of now have NULL, new ones the default. Where there is
        no ``key`` to fill it by, it does not come at all."""

        def done() -> bool:
            if rows := work.ask(f"SELECT {DEFINITION} FROM {FROM_COLUMN} WHERE {self.attribute}"):
                drop = f"ALTER TABLE {self.target} DROP COLUMN {quoted(self.name)}"
                what = f"Column {quoted(self.name)} of {self.target}"
                compare(work, what, rows[0][0], lambda: self._as_found(work), drop)
                return True
            key_of(work, self.target, key)
            work.claim()
            work.start_over()
            return False

        alter = f"ALTER TABLE {self.target}"
        given = f"{alter} ALTER COLUMN {quoted(self.name)} SET DEFAULT {self.default}"
        work.once("add the column and its default", done, f"{alter} {self.added}", given, *self._comment())

    def _comment(self) -> list[str]:
        if not self.column.comment:
            return []
        return [f"COMMENT ON COLUMN {self.target}.{quoted(self.name)} IS {value(self.column.comment)}"]

    def _as_found(self, work: Work) -> Any:
        return of_twin(
            work,
            f"ALTER TABLE pg_temp.{TWIN} {self.added} DEFAULT {self.default}",
            f"SELECT {DEFINITION} FROM {FROM_COLUMN} "
            f"WHERE a.attrelid = 'pg_temp.{TWIN}'::regclass AND a.attname = {value(self.name)}",
        )


def _check_name(column: str) -> str:
    name = f"db_migrate_{column}_not_null"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"db_migrate_{hashlib.sha256(column.encode()).hexdigest()[:16]}_not_null"
