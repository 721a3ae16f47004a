"""Constraints added without a long lock: not valid first, then proved while others write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from alembic.operations import Operations

from dbmigrate.adapters.operations.constraint import Constraint
from dbmigrate.adapters.operations.indexes import Wanted, build
from dbmigrate.adapters.operations.look import (
    full_name,
    is_partitioned,
    listed,
    names_of,
    oid_of,
    quoted,
    said,
)
from dbmigrate.adapters.operations.work import Work, work_again

FOREIGN_KEY = "FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE {} ON UPDATE {}"
ACTIONS = {"NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}


@Operations.register_operation("add_foreign_key")
class AddForeignKey:
    @classmethod
    def add_foreign_key(
        cls,
        operations: Operations,
        name: str,
        table: str,
        referent: str,
        columns: Sequence[str],
        referent_columns: Sequence[str],
        *,
        on_delete: str | None = None,
        on_update: str | None = None,
        referent_schema: str | None = None,
        schema: str | None = None,
    ) -> None:
        """Add a foreign key that holds for new rows at once, then prove the old ones while others write.
        ``on_delete`` and ``on_update`` are NO ACTION, RESTRICT, CASCADE, SET NULL or SET DEFAULT.

        Raises RevisionFailed when the name has another definition, or when rows break it: then the
        constraint is taken away again. ValueError for an unknown action.
        """
        ours, theirs = names_of(columns), names_of(referent_columns)
        delete, update, to = _action(on_delete), _action(on_update), full_name(referent_schema, referent)
        definition = FOREIGN_KEY.format(listed(ours), to, listed(theirs), delete, update)
        with _work(operations, "add_foreign_key", table, schema, name, definition) as at:

            def wanted() -> str:
                there = at.ask(f"SELECT {oid_of(referent_schema, referent)}::regclass::text")[0][0]
                acts = (ACTIONS[delete], ACTIONS[update])
                return FOREIGN_KEY.format(", ".join(ours), there, ", ".join(theirs), *acts)

            new = Constraint(at, table, schema, name, definition)
            new.add(wanted, refuse=lambda: _refuse_partitioned(at, oid_of(schema, table)))
            new.prove()


@Operations.register_operation("add_check")
class AddCheck:
    @classmethod
    def add_check(
        cls, operations: Operations, name: str, table: str, condition: Any, *, schema: str | None = None
    ) -> None:
        """Add a CHECK that holds for new rows at once, then prove the old ones while others write.

        Raises RevisionFailed when the name has another definition, or when rows break it: then the
        constraint is taken away again.
        """
        definition = f"CHECK ({said(condition)})"
        with _work(operations, "add_check", table, schema, name, definition) as at:
            new = Constraint(at, table, schema, name, definition)
            new.add(new.check_as_found)
            new.prove()


@Operations.register_operation("add_unique")
class AddUnique:
    @classmethod
    def add_unique(
        cls,
        operations: Operations,
        name: str,
        table: str,
        columns: Sequence[str],
        *,
        schema: str | None = None,
    ) -> None:
        """Build a unique index while others write, then make it a constraint in a moment.

        Raises RevisionFailed when the name has another definition, or when rows are not unique: then
        nothing of it remains.
        """
        wanted = Wanted(name, table, schema, tuple(names_of(columns)), unique=True)
        definition = f"UNIQUE ({', '.join(wanted.columns)})"
        with _work(operations, "add_unique", table, schema, name, definition) as at:
            build(at, wanted)
            new = Constraint(at, table, schema, name, f"UNIQUE USING INDEX {quoted(name)}")
            new.add(lambda: definition, title="make it a constraint", valid=True)


def _work(
    operations: Operations, operation: str, table: str, schema: str | None, name: str, definition: str
) -> AbstractContextManager[Work]:
    identity = {"name": name, "schema": schema, "definition": definition}
    return work_again(operations, operation, table, name, identity, 2)


def _action(given: str | None) -> str:
    word = " ".join((given or "NO ACTION").upper().split())
    if word not in ACTIONS:
        raise ValueError(f"{given!r} is no action of a foreign key; there are: {', '.join(ACTIONS)}")
    return word


def _refuse_partitioned(work: Work, table: str) -> None:
    version = int(work.ask("SELECT current_setting('server_version_num')")[0][0])
    if version < 180000 and is_partitioned(work, table):
        raise work.failed(
            "PostgreSQL before 18 adds no foreign key NOT VALID to a partitioned table.",
            "nothing was changed; op.add_foreign_key on each partition first: then op.create_foreign_key on "
            "the whole table takes theirs over and reads no row",
        )
