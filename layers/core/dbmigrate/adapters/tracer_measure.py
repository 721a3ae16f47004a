"""From two looks at the database to the effects of the statement between them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dbmigrate.adapters.tracer_acts import Acts, type_acts
from dbmigrate.adapters.tracer_mirror import Constraint, Index, Look, Relation, Types
from dbmigrate.adapters.tracer_outside import locks_by_rule, scans_by_rule
from dbmigrate.adapters.tracer_queries import STRONG
from dbmigrate.domain.effects import LOCK_MODES, Act, Effects, Lock, Write

LOCKABLE = ("r", "p", "m", "S", "f")
STORED = ("r", "m")
TRUNCATE = re.compile(r"\bTRUNCATE\b", re.IGNORECASE)
REWRITES = re.compile(r"\b(?:ALTER|CLUSTER|VACUUM|REFRESH)\b", re.IGNORECASE)


@dataclass(frozen=True)
class State:
    """The database at one moment of a transaction; ``look`` is empty outside of one."""

    relations: Mapping[int, Relation]
    types: Types
    look: Look


class Measured:
    """What one statement did. ``first`` names the relations that were there when the revision began."""

    def __init__(self, sql: str, before: State, after: State, first: Mapping[int, str]) -> None:
        self.sql, self.before, self.after, self.first = sql, before, after, first
        self.acts = tuple(self._acts())
        self.truncates, self.rewrites = self._new_storage()
        self.builds = self._builds()
        self.scans = self._scans()

    def effects(self, transaction: int, autocommit: bool, must: set[str] | None = None) -> Effects:
        """Of a statement in a transaction; ``must`` are the tables that a query has to read in full, where
        somebody asked. An index that is read from end to end is no full scan to the counters."""
        known = [self.first[oid] for oid in self._tables()]
        read = self.scans if must is None else sorted(table for table in known if self._now(table) in must)
        return Effects(
            self.sql,
            transaction,
            autocommit,
            locks=self._locks(),
            held=_named(self.first, {oid: seen.mode for oid, seen in self.before.look.items()}, self.before),
            rewrites=self.rewrites,
            scans=tuple(read),
            builds=self.builds,
            writes=self._writes(),
            truncates=self.truncates,
            acts=self.acts,
        )

    def effects_by_rule(self, transaction: int) -> Effects:
        """Of a statement that runs in no transaction: its locks and counters are gone."""
        existing = {*self.first.values()}
        return Effects(
            self.sql,
            transaction,
            autocommit=True,
            locks=locks_by_rule(self.sql, self.acts, self.builds, self.rewrites, existing),
            rewrites=self.rewrites,
            scans=tuple(scans_by_rule(self.sql, self.builds, self.rewrites)),
            builds=self.builds,
            truncates=self.truncates,
            acts=self.acts,
        )

    def _now(self, table: str) -> str:
        """What a table that was there is called now."""
        found = [
            self.after.relations[oid].name
            for oid, name in self.first.items()
            if name == table and oid in self.after.relations
        ]
        return found[0] if found else table

    def _acts(self) -> Iterable[Act]:
        acts = Acts(self.before.relations, self.after.relations, self.first)
        oids = {*self.before.relations, *self.after.relations}
        changed = [oid for oid in oids if self.before.relations.get(oid) is not self.after.relations.get(oid)]
        for oid in sorted(changed):
            yield from acts.of(oid)
        if self.before.types is not self.after.types:
            yield from type_acts(self.before.types, self.after.types)

    def _locks(self) -> tuple[Lock, ...]:
        """New ones, and those that are stronger than before."""
        was = {oid: seen.mode for oid, seen in self.before.look.items()}
        now = {oid: seen.mode for oid, seen in self.after.look.items() if seen.mode > was.get(oid, -1)}
        return _named(self.first, now, self.before)

    def _new_storage(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Emptied tables, and rewritten ones. Both have another file; an emptied one's has no byte."""
        emptied: list[str] = []
        rewritten: list[str] = []
        for oid, (_, new) in self._existing().items():
            if new.kind in STORED and self._stored_anew(oid):
                size = self.after.look[oid].bytes if oid in self.after.look else 1
                emptying = TRUNCATE.search(self.sql) or not REWRITES.search(self.sql)
                (emptied if size == 0 and new.kind == "r" and emptying else rewritten).append(self.first[oid])
        return tuple(sorted(emptied)), tuple(sorted(rewritten))

    def _stored_anew(self, oid: int) -> bool:
        return self.before.relations[oid].storage != self.after.relations[oid].storage

    def _existing(self) -> dict[int, tuple[Relation, Relation]]:
        """Relations that were there when the revision began and still are, where something changed."""
        pairs = {
            oid: (old, self.after.relations[oid])
            for oid, old in self.before.relations.items()
            if oid in self.first and oid in self.after.relations
        }
        return {oid: (old, new) for oid, (old, new) in pairs.items() if old is not new}

    def _builds(self) -> tuple[tuple[str, str], ...]:
        """Indexes with a file that no index of the table had before: a varchar that only grew keeps it."""
        found = []
        for oid, (old, new) in self._existing().items():
            files = {index.storage for index in old.indexes.values()}
            if self.first[oid] not in self.truncates:
                found += [(index.name, self.first[oid]) for index in _built(new, files)]
        return tuple(sorted(found))

    def _scans(self) -> tuple[str, ...]:
        """Tables whose counter of full scans grew; emptying one builds its indexes, but over nothing."""
        read = {self.first[oid] for oid in self._tables() if self._grown(oid, "scans") > 0}
        checked = {name for old, new in self._existing().values() for name in self._checked_keys(old, new)}
        return tuple(sorted((read | checked) - {*self.truncates}))

    def _checked_keys(self, old: Relation, new: Relation) -> Iterator[str]:
        """Both sides of a foreign key that was proved: an empty table hides that the other one is read, and
        a small one that it is read in full. A column that comes with its key is NULL in every row."""
        for number, key in new.constraints.items():
            was = old.constraints.get(number)
            proved = key.kind == "f" and key.valid and (was is None or not was.valid)
            remade = was is None and any(key.name == other.name for other in old.constraints.values())
            if proved and not remade and not _all_null(key, old, new):
                yield self.first[new.oid]
                if key.parent in self.first:
                    yield self.first[key.parent]

    def _writes(self) -> tuple[Write, ...]:
        rows = [
            Write(self.first[oid], *(max(self._grown(oid, what), 0) for what in COUNTED))
            for oid in self._tables()
        ]
        written = [write for write in rows if write.inserted or write.updated or write.deleted]
        return tuple(sorted(written, key=lambda write: write.table))

    def _tables(self) -> list[int]:
        return [
            oid
            for oid in self.after.look
            if oid in self.first and oid in self.after.relations and self.after.relations[oid].kind in "rpm"
        ]

    def _grown(self, oid: int, what: str) -> int:
        was = self.before.look.get(oid)
        return int(getattr(self.after.look[oid], what)) - (int(getattr(was, what)) if was else 0)


def _all_null(key: Constraint, old: Relation, new: Relation) -> bool:
    return all(number not in old.columns and not new.columns[number].default for number in key.columns)


COUNTED = ("inserted", "updated", "deleted")


def _built(relation: Relation, files: set[int]) -> list[Index]:
    return [index for index in relation.indexes.values() if index.storage and index.storage not in files]


def _named(first: Mapping[int, str], modes: Mapping[int, int], before: State) -> tuple[Lock, ...]:
    """The strong ones, on what was there when the revision began."""
    locks = [
        Lock(first[oid], LOCK_MODES[mode])
        for oid, mode in modes.items()
        if mode >= STRONG and oid in first and _lockable(before, oid)
    ]
    return tuple(sorted(locks, key=lambda lock: lock.relation))


def _lockable(state: State, oid: int) -> bool:
    return oid in state.relations and state.relations[oid].kind in LOCKABLE
