"""Renames a column in two releases: both names work, kept the same by a trigger, then only the new."""

from __future__ import annotations

from contextlib import AbstractContextManager

from alembic.operations import Operations

from dbmigrate.adapters.operations.carry import carry, exchange, expand, look, steps_of, take_away
from dbmigrate.adapters.operations.look import quoted
from dbmigrate.adapters.operations.pair import Pair
from dbmigrate.adapters.operations.work import Work, work_again


@Operations.register_operation("expand_column_rename")
class ExpandColumnRename:
    @classmethod
    def expand_column_rename(
        cls, operations: Operations, table: str, old: str, new: str, *, schema: str | None = None
    ) -> None:
        """Give the column a second name: a column of the same type, kept the same by a trigger whichever of
        the two is written, with copies of indexes, checks, foreign keys and NOT NULL.

        Raises RevisionFailed, with nothing changed, when something hangs on the old column of which no copy
        can be made, such as a view; the error names each.
        """
        with _work(operations, "expand_column_rename", table, old, new, schema) as at:
            expand(at, _pair(table, old, new, schema))


@Operations.register_operation("revert_column_rename")
class RevertColumnRename:
    @classmethod
    def revert_column_rename(
        cls, operations: Operations, table: str, old: str, new: str, *, schema: str | None = None
    ) -> None:
        """Undo expand_column_rename: the new column goes, and with it the trigger. Nothing is lost, as the
        old column has the same values."""
        with _work(operations, "revert_column_rename", table, old, new, schema) as at:
            take_away(at, _pair(table, old, new, schema), "drop the trigger and the new column")


@Operations.register_operation("contract_column_rename")
class ContractColumnRename:
    @classmethod
    def contract_column_rename(
        cls, operations: Operations, table: str, old: str, new: str, *, schema: str | None = None
    ) -> None:
        """Drop the old column and the trigger; the new one gets its default and its indexes' names.

        Raises RevisionFailed when the column was not expanded.
        """
        with _work(operations, "contract_column_rename", table, old, new, schema) as at:
            pair, title = _pair(table, old, new, schema), "drop the trigger and the old column"
            if not at.offline and _is_contracted(at, pair):
                return
            copies = look(at, pair, "", made=True)
            at.of = steps_of(copies) + 1
            carry(at, pair, copies)

            def drop() -> None:
                for sql in pair.drop_trigger(at):
                    at.run(sql)
                exchange(at, pair, copies)
                at.run(f"ALTER TABLE {pair.target} DROP COLUMN {quoted(old)}")

            with at.step(title):
                at.in_transaction(title, drop)


@Operations.register_operation("revert_contract_column_rename")
class RevertContractColumnRename:
    @classmethod
    def revert_contract_column_rename(
        cls, operations: Operations, table: str, old: str, new: str, *, schema: str | None = None
    ) -> None:
        """Undo contract_column_rename: the old column comes back, filled, and leads again."""
        with _work(operations, "revert_contract_column_rename", table, old, new, schema) as at:
            first = _pair(table, old, new, schema)
            back, made = first.flipped(new, old), None if at.offline else first.as_made(at)
            if made is None or made.leader == new:
                _lead_again(at, back, first)
            copies = look(at, first, "", made=True)
            at.of = at.number + steps_of(copies)
            carry(at, first, copies)


def _lead_again(work: Work, back: Pair, first: Pair) -> None:
    copies = expand(work, back)
    work.of += 1

    def flip() -> None:
        exchange(work, back, copies, keep=True)
        first.make_function(work)

    with work.step("let the old column lead"):
        work.in_transaction("let the old column lead", flip)


def _is_contracted(work: Work, pair: Pair) -> bool:
    return pair.has_column(work, pair.follower) and not pair.has_column(work, pair.leader)


def _pair(table: str, old: str, new: str, schema: str | None) -> Pair:
    return Pair(table, schema, old, new, (old, new))


def _work(
    operations: Operations, operation: str, table: str, old: str, new: str, schema: str | None
) -> AbstractContextManager[Work]:
    identity = {"old": old, "new": new, "schema": schema}
    return work_again(operations, operation, table, new, identity, 1)
