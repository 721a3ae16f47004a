"""op.backfill: write the rows of a large table while the application works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alembic.operations import Operations

from dbmigrate.adapters.operations.batches import backfill_rows, columns_of
from dbmigrate.adapters.operations.look import full_name, quoted
from dbmigrate.adapters.operations.work import work

OFFLINE = "-- backfill: with the database at hand it is written in small batches, here in one statement."


@Operations.register_operation("backfill")
class Backfill:
    @classmethod
    def backfill(
        cls,
        operations: Operations,
        table: str,
        set: Mapping[str, str] | str,
        where: str | None = None,
        *,
        key: str | Sequence[str] | None = None,
        schema: str | None = None,
        target_ms: float = 50,
    ) -> None:
        """Write existing rows in batches of about ``target_ms`` milliseconds, each of short transactions that
        are committed with their cursor.

        ``set`` maps columns to SQL expressions, or is the text behind SET. Rows are taken in the order of
        ``key`` (default: the primary key), and each is written exactly once, whatever cuts the work. Rows
        that come meanwhile are not: give the column a default, or the table a trigger, before. As a script
        (``--sql``) it is one UPDATE. Raises RevisionFailed where the table has no unique key without NULLs,
        or where ``set`` changes the key.
        """
        assignments = set if isinstance(set, str) else _assignments(set)
        identity = {"schema": schema, "set": assignments, "where": where, "key": key}
        with work(operations, "backfill", table, ", ".join(columns_of(assignments)), identity, of=1) as at:
            if at is None:
                return
            if at.offline:
                operations.migration_context.impl.static_output(OFFLINE)
            backfill_rows(at, full_name(schema, table), assignments, where, key, target_ms)


def _assignments(given: Mapping[str, str]) -> str:
    return ", ".join(f"{quoted(name)} = {expression}" for name, expression in given.items())
