"""One constraint on its way: added not valid, then proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import DBAPIError

from dbmigrate.adapters.operations.drivers import code_of, why
from dbmigrate.adapters.operations.look import TWIN, compare, full_name, of_twin, oid_of, quoted, value
from dbmigrate.adapters.operations.work import Work

VIOLATED = ("23502", "23503", "23514")  # not_null, foreign_key, check
COLUMNS = """(SELECT string_agg(a.attname, ', ' ORDER BY x.n)
    FROM unnest({key}) WITH ORDINALITY x(attnum, n)
    JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = x.attnum)"""
OF = COLUMNS.format(key="k.conkey", table="k.conrelid")
TO = COLUMNS.format(key="k.confkey", table="k.confrelid")
WHEN = "CASE WHEN k.condeferrable THEN ' DEFERRABLE' ELSE '' END"
# A definition as we can say it of one that is not there yet: names without quotes, no NOT VALID.
DEFINITION = f"""CASE k.contype
    WHEN 'f' THEN format('FOREIGN KEY (%s) REFERENCES %s (%s) ON DELETE %s ON UPDATE %s', {OF},
        k.confrelid::regclass, {TO}, k.confdeltype, k.confupdtype) || {WHEN}
    WHEN 'u' THEN format('UNIQUE (%s)', {OF}) || {WHEN}
    ELSE regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') END"""


class Constraint:
    """``definition`` is what follows the name in ADD CONSTRAINT. ``needed`` says whether there is anything to
    do at all."""

    def __init__(
        self,
        work: Work,
        table: str,
        schema: str | None,
        name: str,
        definition: str,
        needed: Callable[[], bool] = lambda: True,
    ) -> None:
        self.work = work
        self.target = full_name(schema, table)
        self.name = name
        self.definition = definition
        self.needed = needed
        self._first = False
        self.found = (
            f"FROM pg_constraint k WHERE k.conrelid = {oid_of(schema, table)} AND k.conname = {value(name)}"
        )

    @property
    def _tables(self) -> int:
        """A foreign key locks the table that it points to as well."""
        return 2 if self.definition.startswith("FOREIGN KEY") else 1

    def add(
        self,
        wanted: Callable[[], Any],
        title: str = "add the constraint, not valid yet",
        valid: bool = False,
        refuse: Callable[[], None] = lambda: None,
    ) -> None:
        """The step that adds it. ``wanted`` is the definition as the catalog would tell it; ``refuse`` is
        called when it is not there."""

        def done() -> bool:
            if not self.needed() or self._is_there(wanted):
                return True
            refuse()
            self.work.claim()
            return False

        self._first = self.work.number == 0
        add = self._alter(f"ADD CONSTRAINT {{}} {self.definition}", not valid)
        self.work.once(title, done, add, tables=self._tables)

    def prove(self) -> None:
        """The step that proves the old rows. Where they break it, it goes: it would refuse every change of
        such a row."""

        def done() -> bool:
            return not self.needed() or self.work.is_true(f"EXISTS (SELECT {self.found} AND k.convalidated)")

        try:
            self.work.alone("prove the rows", done, self._alter("VALIDATE CONSTRAINT {}"))
        except DBAPIError as error:
            if code_of(error) not in VIOLATED:
                raise
            raise self._broken(error) from error

    def drop(self, title: str) -> None:
        """The step that drops it."""

        def done() -> bool:
            return not self.work.is_true(f"EXISTS (SELECT {self.found})")

        self.work.once(title, done, self._alter("DROP CONSTRAINT {}"), tables=self._tables)

    def check_as_found(self) -> Any:
        """How the catalog would tell a CHECK of this table."""
        found = f"k.conrelid = 'pg_temp.{TWIN}'::regclass AND k.conname = {value(self.name)}"
        return of_twin(
            self.work,
            f"ALTER TABLE pg_temp.{TWIN} ADD CONSTRAINT {quoted(self.name)} {self.definition}",
            f"SELECT {DEFINITION} FROM pg_constraint k WHERE {found}",
            self.target,
        )

    def _alter(self, act: str, later: bool = False) -> str:
        act = act.replace("{}", quoted(self.name), 1)
        return f"ALTER TABLE {self.target} {act}{' NOT VALID' if later else ''}"

    def _is_there(self, wanted: Callable[[], Any]) -> bool:
        rows = self.work.ask(f"SELECT {DEFINITION} {self.found}")
        if rows:
            what = f"Constraint {quoted(self.name)} of {self.target}"
            compare(self.work, what, rows[0][0], wanted, self._alter("DROP CONSTRAINT {}"))
        return bool(rows)

    def _broken(self, error: DBAPIError) -> Exception:
        remains = "It was there NOT VALID before, and is yet"
        if self.work.ours:
            drop = self._alter("DROP CONSTRAINT IF EXISTS {}")
            self.work.in_transaction("take it away", lambda: self.work.ask(drop), self._tables)
            if self._first:
                self.work.journal.forget(self.work.entry)
            remains = "It was taken away again, as it would refuse changes of those rows"
        return self.work.failed(
            f"rows break {quoted(self.name)}: {why(error).rstrip('.')}. {remains}.",
            "mend the rows, as op.backfill can, then go on: db-migrate deploy",
        )
