"""A light copy of the catalog by OID, so that renames are renames; read once, then only where it changed."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from dbmigrate.adapters.login import execute_outside
from dbmigrate.adapters.tracer_queries import PREPARED

TYPES = 0  # stands for the version of all enums and domains


@dataclass(frozen=True)
class Column:
    """A column; ``default`` is an expression with DEFAULT, GENERATED or IDENTITY before it."""

    name: str
    type: str
    not_null: bool
    default: str | None

    @property
    def definition(self) -> str:
        words = (self.type, "NOT NULL" if self.not_null else "", self.default or "")
        return " ".join(word for word in words if word)


@dataclass(frozen=True)
class Constraint:
    """``kind`` is pg_constraint.contype, ``parent`` the OID that a foreign key references, else 0."""

    name: str
    kind: str
    definition: str
    valid: bool
    parent: int
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Index:
    """``name`` has its schema; ``storage`` is the file, which changes when the index is built anew."""

    name: str
    definition: str
    storage: int
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Relation:
    """A table, view, materialized view or sequence; ``parent`` and ``bound`` are those of a partition."""

    oid: int
    name: str
    kind: str
    persistence: str
    storage: int
    security: str
    identity: str
    parent: int | None
    bound: str | None
    view: str | None
    columns: dict[int, Column]
    constraints: dict[int, Constraint]
    indexes: dict[int, Index]
    triggers: dict[int, tuple[str, str, str]]

    @property
    def is_table(self) -> bool:
        return self.kind in ("r", "p", "f")


@dataclass(frozen=True)
class Types:
    """Enum labels (type's name, label, type's OID), domains (name, NOT NULL) and their constraints (domain's
    OID, name, definition), all by OID."""

    enums: dict[int, tuple[str, str, int]] = field(default_factory=dict)
    domains: dict[int, tuple[str, bool]] = field(default_factory=dict)
    constraints: dict[int, tuple[int, str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Touched:
    """A relation that the transaction has locked, and what its counters say."""

    mode: int
    version: str | None
    scans: int
    inserted: int
    updated: int
    deleted: int
    bytes: int


Look = dict[int, Touched]


class Mirror:
    """The relations and types of one session's database."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.relations: dict[int, Relation] = {}
        self.types = Types()
        self._versions: dict[int, str] = {}
        self._prepared = False

    def forget_prepared(self) -> None:
        """The session has thrown its prepared statements away."""
        self._prepared = False

    def look(self) -> Look:
        """The locks of the open transaction with the counters of what they are on."""
        return {oid: Touched(*facts) for oid, *facts in self._ask("EXECUTE dbmigrate_trace_look")}

    def first_look(self) -> Look:
        """The same, and the counters of all other relations, which have mode -1."""
        counted = {oid: Touched(*facts) for oid, *facts in self._ask("EXECUTE dbmigrate_trace_counters")}
        return {**counted, **self.look()}

    def read_all(self) -> None:
        """Bring everything up to date."""
        found = {oid: str(version) for oid, version in self._ask("EXECUTE dbmigrate_trace_versions")}
        for oid in self._versions.keys() - found.keys():
            self._forget(oid)
        self._read_changed(found)

    def read_touched(self, look: Look) -> None:
        """Bring up to date what the transaction may have changed."""
        for oid in look.keys() & self._versions.keys():
            if look[oid].version is None and look[oid].mode >= 3:
                self._forget(oid)
        self._read_changed({oid: seen.version for oid, seen in look.items() if seen.version is not None})

    def _read_changed(self, found: dict[int, str]) -> None:
        changed = [oid for oid, version in found.items() if self._versions.get(oid) != version]
        self._versions.update(found)
        if not changed:
            return
        with_types = TYPES in changed
        tables, types = self._details([oid for oid in changed if oid != TYPES], with_types)
        for oid in changed:
            self.relations.pop(oid, None)
        self.relations.update({oid: _relation(oid, json.loads(text)) for oid, text in tables})
        if with_types:
            self.types = _types(json.loads(types))

    def _forget(self, oid: int) -> None:
        self.relations.pop(oid, None)
        self._versions.pop(oid, None)

    def _details(self, oids: Collection[int], with_types: bool) -> tuple[list[Any], str]:
        """Under an empty search_path, so that definitions name their schemas whatever the revision set."""
        alone = not self.raw._in_transaction
        before = self._ask("BEGIN") if alone else None
        ((path, _),) = self._ask("SELECT current_setting('search_path'), set_config('search_path', '', true)")
        tables = (
            self._ask(f"EXECUTE dbmigrate_trace_details('{{{','.join(map(str, oids))}}}')") if oids else []
        )
        types = self._ask("EXECUTE dbmigrate_trace_types")[0][0] if with_types else "{}"
        doubled = path.replace("'", "''")
        self._ask(f"SELECT set_config('search_path', '{doubled}', true)")
        if before is not None:
            self._ask("COMMIT")
        return tables, types

    def _ask(self, query: str) -> list[list[Any]]:
        if not self._prepared:
            known = {name for (name,) in execute_outside(self.raw, "SELECT name FROM pg_prepared_statements")}
            for name, statement in PREPARED.items():
                if name not in known:  # another tracer of the same session has made it
                    execute_outside(self.raw, statement)
            self._prepared = True
        return execute_outside(self.raw, query)


def _relation(oid: int, facts: dict[str, Any]) -> Relation:
    def by_oid(key: str, make: Any) -> dict[int, Any]:
        return {int(number): make(*values) for number, values in (facts.pop(key) or {}).items()}

    return Relation(
        oid,
        columns=by_oid("columns", Column),
        constraints=by_oid("constraints", _constraint),
        indexes=by_oid("indexes", _index),
        triggers=by_oid("triggers", lambda *values: values),
        **facts,
    )


def _constraint(name: str, kind: str, text: str, valid: bool, parent: int, key: Any) -> Constraint:
    return Constraint(name, kind, text, valid, parent, tuple(key or ()))


def _index(name: str, definition: str, storage: int, key: str) -> Index:
    return Index(name, definition, storage, tuple(map(int, key.split())))


def _types(facts: dict[str, Any]) -> Types:
    return Types(
        **{
            kind: {int(oid): tuple(values) for oid, values in (found or {}).items()}
            for kind, found in facts.items()
        }
    )
