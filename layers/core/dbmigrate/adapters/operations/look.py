"""What the catalog says of the tables, columns and names that an operation is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pg8000.native import literal
from sqlalchemy import text
from sqlalchemy.dialects.postgresql.base import PGDialect

from dbmigrate.adapters.operations.work import Work

WRITER: Any = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Writes DDL as PostgreSQL reads it: drivers' dialects double the percent signs for their drivers."""
TWIN = "db_migrate_twin"


def quoted(name: str) -> str:
    """An identifier, in quotes where it needs them."""
    return str(WRITER.identifier_preparer.quote(name))


def full_name(schema: str | None, name: str) -> str:
    """A table's or an index's name; without a schema the search_path finds it."""
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)


def listed(names: Sequence[str]) -> str:
    return ", ".join(map(quoted, names))


def names_of(given: Sequence[Any]) -> list[Any]:
    """One name or several."""
    return [given] if isinstance(given, str) else list(given)


def said(expression: Any) -> str:
    """An SQL expression as text: a string as it is, SQLAlchemy's with its values written out."""
    if isinstance(expression, str):
        return expression
    return str(expression.compile(dialect=WRITER, compile_kwargs={"literal_binds": True}))


def as_text(expression: Any) -> Any:
    """An SQL expression for SQLAlchemy's DDL: a string's colons are colons."""
    return text(expression.replace(":", "\\:")) if isinstance(expression, str) else expression


def value(given: Any) -> str:
    """A value as SQL."""
    return str(literal(given))


def oid_of(schema: str | None, name: str) -> str:
    """SQL for the OID of a relation, NULL where there is none."""
    return f"to_regclass({value(full_name(schema, name))})::oid"


def is_partitioned(work: Work, table: str) -> bool:
    """``table`` is SQL for its OID."""
    return work.is_true(f"EXISTS (SELECT FROM pg_class WHERE oid = {table} AND relkind = 'p')")


def of_twin(work: Work, make: str, read: str, like: str = "") -> Any:
    """What ``read`` finds on an empty temporary table, made by ``make`` on it: PostgreSQL's own reading of
    a definition, to be compared with what is there. None where temporary tables are not allowed."""
    if not work.is_true("has_database_privilege(current_database(), 'TEMPORARY')"):
        return None

    def ask() -> Any:
        columns = f"(LIKE {like})" if like else "()"
        work.ask(f"CREATE TEMPORARY TABLE {TWIN} {columns} ON COMMIT DROP")
        work.ask(make)
        return work.ask(read)[0][0]

    return work.in_transaction("compare", ask)


def compare(work: Work, what: str, there: Any, wanted: Callable[[], Any], drop: str) -> None:
    """Refuse an object of the right name with another definition. ``drop`` is the SQL that drops it."""
    meant = wanted()
    if meant is None and work.ours:
        return
    if there != meant:
        why = f"it is {there}" + (f", and the revision wants {meant}" if meant else "")
        raise work.failed(
            f"{what} is there already with another definition: {why}.",
            f"nothing was changed; name yours otherwise, or drop the other first: {drop}",
        )
