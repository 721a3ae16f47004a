"""Changes a column's type in three releases: a second column, the change of places, and the old one's end."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from alembic.operations import Operations

from dbmigrate.adapters.operations.carry import carry, exchange, expand, follow, look, steps_of, take_away
from dbmigrate.adapters.operations.copies import column_of
from dbmigrate.adapters.operations.drivers import code_of
from dbmigrate.adapters.operations.look import TWIN, WRITER, of_twin, quoted
from dbmigrate.adapters.operations.pair import Pair
from dbmigrate.adapters.operations.work import Work, work_again

TYPE_OF_TWIN = f"""SELECT format_type(atttypid, atttypmod) FROM pg_attribute
 WHERE attrelid = 'pg_temp.{TWIN}'::regclass AND attname = 'c'"""
NEW, OLD = "_new", "_old"
DATA = "22"  # the class of errors of values that cannot be converted


@Operations.register_operation("expand_column_type")
class ExpandColumnType:
    @classmethod
    def expand_column_type(
        cls,
        operations: Operations,
        table: str,
        column: str,
        type_: Any,
        *,
        using: str | None = None,
        reverse_using: str | None = None,
        schema: str | None = None,
    ) -> None:
        """Add ``<column>_new`` of the type, kept the same by a trigger, with copies of all that hangs on the
        column. ``using`` and ``reverse_using`` convert there and back; in both the value has the column's
        name; by default a cast.

        Raises RevisionFailed, with nothing changed, when something hangs on the column of which no copy can
        be made, such as another table's foreign key; the error names each.
        """
        with _work(operations, "expand_column_type", table, column, schema) as at:
            pair = _pair(table, column, schema)
            if not at.offline and _swapped(at, pair):
                return
            pair = _converting(at, pair, _type(type_), using, reverse_using)
            expand(at, pair, _type(type_))


@Operations.register_operation("revert_column_type")
class RevertColumnType:
    @classmethod
    def revert_column_type(
        cls, operations: Operations, table: str, column: str, *, schema: str | None = None
    ) -> None:
        """Undo expand_column_type: ``<column>_new`` and the trigger go."""
        with _work(operations, "revert_column_type", table, column, schema) as at:
            take_away(at, _pair(table, column, schema), "drop the trigger and the new column")


@Operations.register_operation("swap_column_type")
class SwapColumnType:
    @classmethod
    def swap_column_type(
        cls, operations: Operations, table: str, column: str, *, schema: str | None = None
    ) -> None:
        """In one short transaction ``<column>_new`` becomes the column, and that ``<column>_old``: with its
        default, sequence, key, indexes and constraints. The trigger goes on; a value that the old type cannot
        hold is NULL there.

        Raises RevisionFailed when the column was not expanded, or when a value could not be converted.
        """
        with _work(operations, "swap_column_type", table, column, schema) as at:
            made = _made(at, _pair(table, column, schema))
            if made.leader == column and made.follower == column + OLD:
                return
            after = made.flipped(column, column + OLD)
            renames = ((column, column + OLD), (column + NEW, column))
            _swap(at, made, after, renames, keep=False)


@Operations.register_operation("revert_swap_column_type")
class RevertSwapColumnType:
    @classmethod
    def revert_swap_column_type(
        cls, operations: Operations, table: str, column: str, *, schema: str | None = None
    ) -> None:
        """Undo swap_column_type: the old type leads again. Raises RevisionFailed when there are values by now
        that it cannot hold."""
        with _work(operations, "revert_swap_column_type", table, column, schema) as at:
            made = _made(at, _pair(table, column, schema))
            if made.follower == column + OLD:
                after = made.flipped(column, column + NEW)
                renames = ((column, column + NEW), (column + OLD, column))
                _swap(at, made, after, renames, keep=True)
                made = after
            copies = look(at, made, _type_of(at, made, made.follower), made=True)
            at.of = at.number + steps_of(copies)
            carry(at, made, copies)


@Operations.register_operation("contract_column_type")
class ContractColumnType:
    @classmethod
    def contract_column_type(
        cls, operations: Operations, table: str, column: str, *, schema: str | None = None
    ) -> None:
        """Drop ``<column>_old`` and the trigger. Raises RevisionFailed when the places were not changed."""
        with _work(operations, "contract_column_type", table, column, schema) as at:
            pair = replace(_pair(table, column, schema), follower=column + OLD)
            if not at.offline and pair.has_trigger(at) and not _swapped(at, pair):
                raise at.failed(
                    f"{quoted(column)} has its old type yet. Nothing was changed.",
                    f"first, in an earlier revision: op.swap_column_type({table!r}, {column!r})",
                )
            take_away(at, pair, "drop the trigger and the old column")


@Operations.register_operation("revert_contract_column_type")
class RevertContractColumnType:
    @classmethod
    def revert_contract_column_type(
        cls,
        operations: Operations,
        table: str,
        column: str,
        type_: Any,
        *,
        using: str | None = None,
        reverse_using: str | None = None,
        schema: str | None = None,
    ) -> None:
        """Undo contract_column_type: ``<column>_old`` of the old type ``type_`` comes back, filled.
        ``using`` and ``reverse_using`` are those of expand_column_type."""
        with _work(operations, "revert_contract_column_type", table, column, schema) as at:
            pair = replace(_pair(table, column, schema), follower=column + OLD)
            pair = _converting(at, pair, _type(type_), reverse_using, using)
            copies = look(at, pair, _type(type_))
            at.of = 2
            follow(at, pair, copies, _type(type_))


def _swap(work: Work, made: Pair, after: Pair, renames: tuple[tuple[str, str], ...], keep: bool) -> None:
    """Copies that are missing yet, a look at all values, and the short transaction."""
    type_ = _type_of(work, made, made.follower)
    copies = look(work, made, type_, made=True)
    work.of = steps_of(copies) + 3
    _refuse_unconverted(work, made)
    carry(work, made, copies)
    _refuse_unconverted(work, made)

    def places() -> None:
        exchange(work, made, copies, type_, keep)
        table = f"ALTER TABLE {made.target}"
        if not keep and copies.column.not_null:
            work.run(f"{table} ALTER COLUMN {quoted(made.leader)} DROP NOT NULL")
        for was, now in renames:
            work.run(f"{table} RENAME COLUMN {quoted(was)} TO {quoted(now)}")
        after.make_function(work)

    with work.step("change the places"):
        work.in_transaction("change the places", places)


def _refuse_unconverted(work: Work, pair: Pair) -> None:
    """One step. What a conversion makes NULL by intent is not missing."""
    leader, follower = quoted(pair.leader), quoted(pair.follower)
    missing = f"SELECT {leader}::text FROM {pair.target} WHERE {follower} IS NULL AND {leader} IS NOT NULL"
    with work.step("look for values that were not converted"):
        try:
            found = work.ask(f"{missing} AND ({pair.forward}) IS NOT NULL LIMIT 1")
        except Exception as error:
            if not code_of(error).startswith(DATA):
                raise
            found = work.ask(f"{missing} LIMIT 1")
    if found:
        raise work.failed(
            f"{follower} lacks values of {leader} that could not be converted, such as {found[0][0]!r}. "
            "Nothing was changed.",
            f"find them: {missing}; mend them, then go on: db-migrate deploy",
        )


def _converting(work: Work, pair: Pair, type_: str, forward: str | None, back: str | None) -> Pair:
    name = quoted(pair.called)
    # As PostgreSQL writes it, so that "int" and "integer" make the same function.
    told = of_twin(work, f"ALTER TABLE pg_temp.{TWIN} ADD COLUMN c {type_}", TYPE_OF_TWIN)
    there = forward or f"{name}::{told or type_}"
    return replace(pair, forward=there, back=back or f"{name}::{_type_of(work, pair, pair.leader)}")


def _type_of(work: Work, pair: Pair, column: str) -> str:
    found = column_of(work, replace(pair, leader=column))
    return found.type if found else "text"


def _swapped(work: Work, pair: Pair) -> bool:
    made = pair.as_made(work)
    return made is not None and made.follower.endswith(OLD)


def _made(work: Work, pair: Pair) -> Pair:
    made = None if work.offline else pair.as_made(work)
    if made is None:
        raise work.failed(
            f"{pair.target} has no second column for {quoted(pair.leader)}. Nothing was changed.",
            f"first, in an earlier revision: op.expand_column_type({pair.table!r}, {pair.leader!r}, TYPE)",
        )
    return made


def _pair(table: str, column: str, schema: str | None) -> Pair:
    return Pair(table, schema, column, column + NEW, (column,), called=column)


def _type(given: Any) -> str:
    """A type as SQL: text as it is, SQLAlchemy's as PostgreSQL writes it."""
    if isinstance(given, str):
        return given
    made = given() if isinstance(given, type) else given
    return str(made.compile(dialect=WRITER))


def _work(
    operations: Operations, operation: str, table: str, column: str, schema: str | None
) -> AbstractContextManager[Work]:
    return work_again(operations, operation, table, column, {"column": column, "schema": schema}, 1)
