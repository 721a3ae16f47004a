"""The difference of two catalogs as a changelog reads: grouped by object, in words and SQL types.

from dbmigrate.domain.catalog import changes_between
from dbmigrate.domain.changelog import changelog, to_lines

changes = changes_between(before, after)
print("\\n".join(to_lines(changelog(before, changes))))

~ table public.orders
+   column paid_at timestamptz, nullable
~   column total: numeric(10,2) -> numeric(12,2)
+   foreign key orders_user_id_fkey (user_id) -> public.users(id), not valid
-   index public.ix_old
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dbmigrate.domain.catalog import Catalog, Change, apply_changes
from dbmigrate.domain.catalog_owners import Key, Owners
from dbmigrate.domain.catalog_parts import Detail, Parts, differing
from dbmigrate.domain.catalog_words import what, words
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.renames import Rename, follow


@dataclass(frozen=True)
class ObjectChange:
    """What became of one object with all that belongs to it. ``mark``, ``was`` and ``now`` are those of the
    object itself (~ where only its parts changed); a table's parts are its columns, indexes, constraints,
    triggers, rules, policies, statistics, grants, comments and its owner."""

    mark: str
    kind: str
    name: str
    was: str | None = None
    now: str | None = None
    details: tuple[Detail, ...] = ()

    @property
    def text(self) -> str:
        """The headline without its mark: ``table public.orders``."""
        if self.mark == "~" and (self.was or self.now):
            return f"{self.kind} {self.name}: {self.was or 'none'} -> {self.now or 'none'}"
        return f"{self.kind} {self.name}" + (f": {self.now}" if self.mark == "+" and self.now else "")


def changelog(
    before: Mapping[str, Mapping[str, str]], changes: Iterable[Change], renames: Sequence[Rename] = ()
) -> list[ObjectChange]:
    """The changes of a catalog (``changes_between``) grouped by object, tables first, each sorted by name.

    ``renames`` tells what only got another name ("table" or "column", the old and the new full name), as
    ``renames_of`` finds it in what statements did; without it a renamed table was dropped and another made.
    """
    old: Catalog = {kind: dict(objects) for kind, objects in before.items()}
    new: Catalog = {kind: dict(objects) for kind, objects in before.items()}
    apply_changes(new, changes)
    old, changed = follow(old, new, renames)
    owners, renamed = Owners(old, new), dict(_by_owner(renames))
    grouped: dict[Key, list[Change]] = {key: [] for key in renamed}
    for change in changed:
        grouped.setdefault(owners.of(change[0], change[1]), []).append(change)
    found = [_object(key, old, new, grouped[key], renamed.get(key, [])) for key in grouped]
    return sorted(found, key=lambda each: ("table" not in each.kind, each.kind, each.name))


def renames_of(statements: Iterable[Effects]) -> list[Rename]:
    """The tables and columns that statements renamed, in their order."""
    acts = (act for effects in statements for act in effects.did("rename table", "rename column"))
    return [(act.kind.removeprefix("rename "), act.was or "", act.now or "") for act in acts]


def to_lines(changes: Iterable[ObjectChange]) -> list[str]:
    """One line for each object and each of its parts; every line begins with +, - or ~ and a space, and a
    part is indented behind it."""
    lines = []
    for change in changes:
        lines.append(f"{change.mark} {change.text}")
        lines += [f"{detail.mark}   {detail.text}" for detail in change.details]
    return lines


def describe_changes(
    before: Mapping[str, Mapping[str, str]], changes: Iterable[Change], renames: Sequence[Rename] = ()
) -> list[str]:
    """The changes of a catalog as lines."""
    return to_lines(changelog(before, changes, renames))


def to_json(changes: Iterable[ObjectChange]) -> list[dict[str, Any]]:
    """The same for programs: ``{mark, kind, name, was, now, details: [{mark, kind, name, was, now}]}``."""
    return [asdict(change) for change in changes]


def _by_owner(renames: Sequence[Rename]) -> Iterable[tuple[Key, list[Detail]]]:
    found: dict[Key, list[Detail]] = {}
    for kind, was, now in renames:
        table = now if kind == "table" else now.rpartition(".")[0]
        short = (was, now) if kind == "table" else (was.rpartition(".")[2], now.rpartition(".")[2])
        called = "name" if kind == "table" else "name of column"
        found.setdefault(("relation", table), []).append(Detail("~", called, "", *short))
    return found.items()


def _object(
    key: Key, old: Catalog, new: Catalog, changes: Sequence[Change], renamed: Sequence[Detail]
) -> ObjectChange:
    kind, name = key
    was, now = old.get(kind, {}).get(name), new.get(kind, {}).get(name)
    called, parts = what(kind, now or was or ""), Parts(key, old, new, changes)
    if now is None and was is not None:
        return ObjectChange("-", called, name, was=parts.gone() or words(kind, was) or None)
    if was is None and now is not None:
        return ObjectChange("+", called, name, now=words(kind, now) or None, details=parts.made())
    own: tuple[str | None, str | None] = (None, None)
    if was is not None and now is not None and was != now and kind not in ("relation", "enum"):
        own = differing(words(kind, was), words(kind, now))
    return ObjectChange("~", called, name, *own, details=(*renamed, *parts.changed()))
