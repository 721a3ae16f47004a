"""What happened to the objects: the mirror before and after one statement, told as acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from dbmigrate.adapters.tracer_mirror import Constraint, Index, Relation, Types
from dbmigrate.domain.effects import Act

PERSISTENCE = {"p": "permanent", "u": "unlogged", "t": "temporary"}
IDENTITY = {"d": "default", "n": "nothing", "f": "full", "i": "index"}
ENABLED = {"O": "enabled", "D": "disabled", "R": "replica only", "A": "always"}
Relations = Mapping[int, Relation]
Part = TypeVar("Part", Constraint, Index)


class Acts:
    """Acts between two states. ``first`` has the names that relations bore when the revision began."""

    def __init__(self, before: Relations, after: Relations, first: Mapping[int, str]) -> None:
        self.before, self.after, self.first = before, after, first

    def of(self, oid: int) -> Iterator[Act]:
        """What became of one relation."""
        old, new = self.before.get(oid), self.after.get(oid)
        kind = (new or old or self.before[oid]).kind
        if kind in ("v", "m"):
            yield from self._view(oid, old, new)
        if kind in ("r", "p", "f", "m"):
            yield from self._table(oid, old, new)

    def _view(self, oid: int, old: Relation | None, new: Relation | None) -> Iterator[Act]:
        if old is None and new is not None:
            yield Act("create view", new.name, new.name, now=new.view)
        elif new is None and old is not None:
            yield Act("drop view", self._table_name(oid), old.name, was=old.view)
        elif old and new and old.view != new.view:
            yield Act("change view", self._table_name(oid), new.name, old.view, new.view)

    def _table(self, oid: int, old: Relation | None, new: Relation | None) -> Iterator[Act]:
        if new is None and old is not None:
            if old.is_table:
                yield Act("drop table", self._table_name(oid), old.name)
        elif old is None and new is not None:
            yield from self._created(new)
        elif old is not None and new is not None:
            if old.is_table:
                yield from self._itself(oid, old, new)
            yield from self._columns(oid, old, new)
            yield from self._constraints(oid, old, new)
            yield from self._indexes(oid, old, new)
            yield from self._triggers(oid, old, new)

    def _created(self, new: Relation) -> Iterator[Act]:
        """Of a new table the foreign keys are told too, since they reach others."""
        if not new.is_table:
            return
        of = "" if new.parent is None else f"PARTITION OF {self._name_now(new.parent)} {new.bound}"
        yield Act("create table", new.name, new.name, now=of)
        for key in _by_name(new.constraints, lambda key: key.kind == "f"):
            yield Act("add constraint", new.name, f"{new.name}.{key.name}", now=key.definition)

    def _itself(self, oid: int, old: Relation, new: Relation) -> Iterator[Act]:
        table = self._table_name(oid)
        if old.name != new.name:
            yield Act("rename table", table, new.name, old.name, new.name)
        if old.parent is not None and new.parent != old.parent:
            yield Act("detach partition", self._table_name(old.parent), new.name, was=old.bound)
        if new.parent is not None and new.parent != old.parent:
            yield Act("attach partition", self._table_name(new.parent), new.name, now=new.bound)
        for kind, was, now in (
            ("change persistence", PERSISTENCE[old.persistence], PERSISTENCE[new.persistence]),
            ("change row security", old.security, new.security),
            ("change replica identity", IDENTITY[old.identity], IDENTITY[new.identity]),
        ):
            if was != now:
                yield Act(kind, table, new.name, was, now)

    def _columns(self, oid: int, old: Relation, new: Relation) -> Iterator[Act]:
        table = self._table_name(oid)
        for number in sorted({*old.columns, *new.columns}):
            one, other = old.columns.get(number), new.columns.get(number)
            if one is None and other is not None:
                yield Act("add column", table, f"{new.name}.{other.name}", now=other.definition)
            elif other is None and one is not None:
                yield Act("drop column", table, f"{old.name}.{one.name}", was=one.definition)
            elif one is not None and other is not None:
                name = f"{new.name}.{other.name}"
                if one.name != other.name:
                    yield Act("rename column", table, name, f"{old.name}.{one.name}", name)
                if one.type != other.type:
                    yield Act("retype column", table, name, one.type, other.type)
                if one.not_null != other.not_null:
                    yield Act("set not null" if other.not_null else "drop not null", table, name)
                if one.default != other.default:
                    yield Act("change default", table, name, one.default, other.default)

    def _constraints(self, oid: int, old: Relation, new: Relation) -> Iterator[Act]:
        table = self._table_name(oid)
        gone, made = made_anew(old, new, old.constraints, new.constraints)
        for key in _by_name(gone):
            yield Act("drop constraint", table, f"{old.name}.{key.name}", was=key.definition)
        for key in _by_name(made):
            yield Act("add constraint", table, f"{new.name}.{key.name}", now=key.definition)
        for number, key in sorted(new.constraints.items(), key=lambda item: item[1].name):
            was = old.constraints.get(number)
            if was is not None and key.valid and not was.valid:
                name = f"{new.name}.{key.name}"
                yield Act("validate constraint", table, name, was.definition, key.definition)

    def _indexes(self, oid: int, old: Relation, new: Relation) -> Iterator[Act]:
        table = self._table_name(oid)
        gone, made = made_anew(old, new, old.indexes, new.indexes)
        for index in _by_name(gone):
            yield Act("drop index", table, index.name, was=index.definition)
        for index in _by_name(made):
            yield Act("create index", table, index.name, now=index.definition)

    def _triggers(self, oid: int, old: Relation, new: Relation) -> Iterator[Act]:
        table = self._table_name(oid)
        for number in {**old.triggers, **new.triggers}:
            one, other = old.triggers.get(number), new.triggers.get(number)
            if one is None and other is not None:
                yield Act("create trigger", table, f"{new.name}.{other[0]}", now=other[1])
            elif other is None and one is not None:
                yield Act("drop trigger", table, f"{old.name}.{one[0]}", was=one[1])
            elif one and other and one[2] != other[2]:
                was, now = ENABLED[one[2]], ENABLED[other[2]]
                yield Act("change trigger", table, f"{new.name}.{other[0]}", was, now)

    def _table_name(self, oid: int) -> str:
        return self.first.get(oid) or self._name_now(oid)

    def _name_now(self, oid: int) -> str:
        found = self.before.get(oid) or self.after.get(oid)
        return found.name if found else "?"


def made_anew(
    old: Relation, new: Relation, was: Mapping[int, Part], now: Mapping[int, Part]
) -> tuple[dict[int, Part], dict[int, Part]]:
    """What went and what came. Changing a column's type makes its constraints and indexes again under new
    OIDs; those are the same as before."""
    retyped = {
        number
        for number, column in new.columns.items()
        if number in old.columns and old.columns[number].type != column.type
    }
    gone = {oid: part for oid, part in was.items() if oid not in now}
    made = {oid: part for oid, part in now.items() if oid not in was}
    again = {part.name: oid for oid, part in made.items()}
    for oid, part in list(gone.items()):
        other = again.get(part.name)
        if other is not None and _same(part, made[other], retyped):
            del gone[oid], made[other]
    return gone, made


def _same(one: Part, other: Part, retyped: set[int]) -> bool:
    return one.definition == other.definition or bool(retyped & {*one.columns, *other.columns})


def _by_name(parts: Mapping[int, Part], wanted: Callable[[Part], bool] = lambda part: True) -> list[Part]:
    return sorted((part for part in parts.values() if wanted(part)), key=lambda part: part.name)


def type_acts(old: Types, new: Types) -> Iterator[Act]:
    """New and renamed enum labels, and new constraints of domains, of types that were there."""
    known = {type_oid for _, _, type_oid in old.enums.values()}
    for oid, (name, label, type_oid) in sorted(new.enums.items(), key=lambda item: item[1]):
        if oid not in old.enums and type_oid in known:
            yield Act("add enum value", "", name, now=label)
        elif oid in old.enums and old.enums[oid][1] != label:
            yield Act("rename enum value", "", name, old.enums[oid][1], label)
    for oid, (domain, _, definition) in sorted(new.constraints.items(), key=lambda item: item[1][1]):
        if oid not in old.constraints and domain in old.domains:
            yield Act("add domain constraint", "", new.domains[domain][0], now=definition)
    for oid, (name, not_null) in new.domains.items():
        if oid in old.domains and not_null and not old.domains[oid][1]:
            yield Act("add domain constraint", "", name, now="NOT NULL")
