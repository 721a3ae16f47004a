"""What is looked at in a restored copy, and what its ledger and the old instance say that it must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbmigrate.domain.catalog import Catalog, changes_between
from dbmigrate.domain.drift import drift_between, told
from dbmigrate.domain.standing import Standing, label

ROWS, LINK, INDEX, HEAP, ENTRIES = "rows", "foreign key", "index", "heap", "entries"


@dataclass(frozen=True)
class Unit:
    """One look at the copy: a piece of a table's rows (``number``, of ``size`` blocks), a foreign key, an
    index, the heap of a table, or the entries of its primary key. ``sql`` is what is asked, where the kind
    alone does not say it."""

    kind: str
    subject: str
    number: int = 0
    size: int = 0
    sql: str = ""

    @property
    def id(self) -> str:
        """What it is known by from one slice to the next."""
        return f"{self.kind} {self.subject}" + (f" {self.number}" if self.kind == ROWS else "")


def catalog_trouble(copy: Standing, old: Standing | None) -> tuple[list[str], list[str]]:
    """How the copy's schema is not what its own ledger kept: what is damage, and what is only to be told.

    It is damage where the old instance bears the ledger out. Where the two differ as well, somebody changed
    the schema by hand, or a revision that the recovery takes back.
    """
    if copy.kept is None or copy.kept[0] != label(copy.current):
        return [], ["no run of ours ended at this revision, so the schema is compared with nothing"]
    expected, found = copy.kept[1], dict(copy.catalog)
    if old is None:
        return told(drift_between(expected, found, copy.own_roles).changes), []
    witnessed = _where_equal(expected, old.catalog, found)
    damage = told(drift_between(expected, witnessed, copy.own_roles).changes)
    every = told(drift_between(expected, found, copy.own_roles).changes)
    return damage, [f"changed outside of our runs: {line}" for line in every if line not in damage]


def _where_equal(expected: Catalog, old: Mapping[str, Mapping[str, str]], found: Catalog) -> Catalog:
    """What was found, with what the ledger expects put in wherever the old instance does not bear it out."""
    kept = {kind: dict(objects) for kind, objects in found.items()}
    for kind, name, _ in changes_between(expected, found):
        planned = expected.get(kind, {}).get(name)
        if old.get(kind, {}).get(name) == planned:
            continue
        if planned is None:
            kept.get(kind, {}).pop(name, None)
        else:
            kept.setdefault(kind, {})[name] = planned
    return kept


def revision_trouble(copy: Standing, old: Standing | None) -> list[str]:
    """Revisions at which Alembic's table stands without a line of the ledger: both are written in one
    transaction. What the old instance has in the same way was done by hand."""
    if not copy.applied:
        return []
    unknown = set(copy.current) - set(copy.applied)
    by_hand = set(old.current) - set(old.applied) if old else set()
    return [f"revision {name} is in no line of the ledger" for name in sorted(unknown - by_hand)]


def row_notes(counted: Mapping[str, int], estimated: Mapping[str, Sequence[int]]) -> list[str]:
    """Where a table's rows are far from what the newest mark's counters estimated, as sentences."""
    notes = []
    for name, rows in sorted(counted.items()):
        then = estimated[name][4] if name in estimated else rows
        if abs(rows - then) > max(100, 0.2 * then):
            notes.append(f"{name} has {rows:,} rows; at the newest mark there were about {then:,}")
    return notes


def emptied(
    counted: Mapping[str, int], estimated: Mapping[str, Sequence[int]], unwritten: Iterable[str]
) -> list[str]:
    """Tables that had rows at the mark, that nobody wrote since, and that are empty in the copy."""
    return [
        f"{name} is empty; at the newest mark it had about {estimated[name][4]:,} rows, and nobody wrote it "
        "since"
        for name in sorted(unwritten)
        if counted.get(name) == 0 and estimated[name][4] > 0
    ]
