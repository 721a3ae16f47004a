"""What one statement did when it ran on a scratch PostgreSQL: locks, rewrites, scans, indexes built, rows
written and what became of the objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOCK_MODES = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
"""Weakest first; the conflicts are those of table 13.2 of the PostgreSQL documentation."""

BLOCKS = {
    "SHARE UPDATE EXCLUSIVE": "other schema changes and VACUUM",
    "SHARE": "inserts, updates and deletes",
    "SHARE ROW EXCLUSIVE": "inserts, updates and deletes",
    "EXCLUSIVE": "inserts, updates, deletes and SELECT FOR UPDATE",
    "ACCESS EXCLUSIVE": "every query, reading included",
}
"""Which of the application's statements wait behind a lock; the modes below hold up none of them."""

OF_ROWS = re.compile(r"\s*(?:WITH|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Lock:
    """A lock on a table, materialized view or sequence that was there before the revision."""

    relation: str
    mode: str


@dataclass(frozen=True)
class Act:
    """One thing that happened to one object, as the catalog shows it before and after the statement.

    ``kind`` is one of ACTS. ``table`` is the table that it happened to and ``name`` the object itself, in
    full (schema.table, schema.table.column, schema.index, schema.table.constraint). ``was`` and ``now`` are
    PostgreSQL's own text: a column's type, default and NOT NULL, a constraint's or an index's definition, the
    name of a thing that was renamed. None where there is nothing before or after.
    """

    kind: str
    table: str
    name: str
    was: str | None = None
    now: str | None = None


ACTS = (
    "create table",  # now: "" or "PARTITION OF parent bound"
    "drop table",
    "rename table",  # was, now: full names
    "attach partition",  # table: the parent; name: the child; now: the bound
    "detach partition",  # table: the parent; name: the child
    "change persistence",  # was, now: permanent, unlogged
    "change row security",  # was, now: off, on, forced
    "change replica identity",
    "add column",  # now: as in the catalog, "bigint NOT NULL DEFAULT 5"
    "drop column",  # was: as in the catalog
    "rename column",  # was, now: full names
    "retype column",  # was, now: types
    "set not null",
    "drop not null",
    "change default",  # was, now: expressions
    "add constraint",  # now: pg_get_constraintdef, with NOT VALID where it is
    "drop constraint",  # was: the same
    "validate constraint",
    "create index",  # now: pg_get_indexdef, with INVALID behind it where it is
    "drop index",
    "create trigger",  # now: pg_get_triggerdef
    "drop trigger",
    "change trigger",  # enabled or disabled
    "create view",
    "drop view",
    "change view",
    "add enum value",  # table: "", name: the type; now: the value
    "rename enum value",
    "add domain constraint",  # table: "", name: the domain
)


@dataclass(frozen=True)
class Write:
    """Rows of a table that was there before the revision."""

    table: str
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Effects:
    """One statement on scratch. Names of tables are those at the beginning of the revision.

    ``transaction`` counts from 0: locks of one are free when the next begins; ``autocommit`` is a statement
    outside of any. ``locks`` are new or stronger than before, ``held`` those that earlier statements of the
    same transaction took; both from SHARE UPDATE EXCLUSIVE up, and only on relations that were there before
    the revision. ``rewrites`` are tables with new storage, ``scans`` tables that were read in full, and
    ``builds`` (index, table) pairs of indexes that were built or rebuilt, all of tables that were there.
    ``undone``: a later ROLLBACK TO SAVEPOINT took it back, its locks included; the time that it took it took.
    ``operation`` is the safe operation that it is a part of, "" for a statement of the revision's own.
    """

    sql: str
    transaction: int = 0
    autocommit: bool = False
    locks: tuple[Lock, ...] = ()
    held: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[tuple[str, str], ...] = ()
    writes: tuple[Write, ...] = ()
    truncates: tuple[str, ...] = ()
    acts: tuple[Act, ...] = ()
    undone: bool = False
    operation: str = ""

    @property
    def batch(self) -> bool:
        """Whether it is one of the batches in which a safe operation writes rows, each committed at once."""
        return bool(self.operation and OF_ROWS.match(self.sql))

    def did(self, *kinds: str) -> tuple[Act, ...]:
        """Its acts of these kinds."""
        return tuple(act for act in self.acts if act.kind in kinds)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Effects:
        """The effects back from their JSON. Raises KeyError or TypeError when they are none."""
        given = dict(values)
        made: dict[str, Any] = {
            "locks": tuple(Lock(**lock) for lock in given.pop("locks", ())),
            "held": tuple(Lock(**lock) for lock in given.pop("held", ())),
            "writes": tuple(Write(**write) for write in given.pop("writes", ())),
            "acts": tuple(Act(**act) for act in given.pop("acts", ())),
            "builds": tuple((index, table) for index, table in given.pop("builds", ())),
        }
        lists = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
        return cls(**{**given, **lists, **made})


def stronger(one: str, other: str) -> bool:
    """Whether the first lock mode is stronger than the second."""
    return LOCK_MODES.index(one) > LOCK_MODES.index(other)
