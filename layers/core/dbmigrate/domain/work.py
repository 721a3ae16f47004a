"""Which work a statement does on which live tables, read off its effects."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from dbmigrate.domain import costs
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.costs import Cost, Model
from dbmigrate.domain.effects import Effects, Write
from dbmigrate.domain.sizes import Size
from dbmigrate.domain.statements import COMMENT, LITERAL, NAME, deletes, overwrites, qualified

OF_ROWS = re.compile(r"[\s(]*(?:WITH|INSERT|UPDATE|DELETE|MERGE|SELECT|DO|CALL|COPY)\b", re.IGNORECASE)
CHOOSES = re.compile(r"\b(?:WHERE|LIMIT|JOIN|USING)\b|\bON\s+CONFLICT\b", re.IGNORECASE)
COPIES = re.compile(r"\bINSERT\b.*\bSELECT\b|\bCREATE\b.*\bAS\b.*\bSELECT\b", re.IGNORECASE | re.DOTALL)
TWICE = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE)
PARTIAL = re.compile(r"\bINDEX\b.*\bWHERE\b", re.IGNORECASE | re.DOTALL)
METHOD = re.compile(r"\bUSING\s+(\w+)", re.IGNORECASE)
BY_KEY = re.compile(r"\bWHERE\s+(?:\w+\.)?\"?(\w+)\"?\s*=\s*(?:''|%|:|\$|\d|CAST\b)", re.IGNORECASE)
UNIQUE = re.compile(r"CREATE UNIQUE INDEX \S+ ON (?:ONLY )?(\S+) USING \w+ \(\"?(\w+)\"?\)$")
PARENT = re.compile(rf"\bREFERENCES\s+({NAME})", re.IGNORECASE)


@dataclass(frozen=True)
class Work:
    """The costs of one statement, and the tables that it must read though nobody knows their sizes."""

    costs: tuple[Cost, ...]
    unsized: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """What the catalog tells: the columns that alone find a row, in full, and the partitioned tables."""

    unique: frozenset[str] = frozenset()
    partitioned: frozenset[str] = frozenset()


def known_of(catalog: Catalog) -> Known:
    """What a catalog tells of its tables."""
    found = (UNIQUE.match(definition) for definition in catalog.get("index", {}).values())
    relations = catalog.get("relation", {}).items()
    return Known(
        frozenset(f"{match[1]}.{match[2]}" for match in found if match),
        frozenset(name for name, what in relations if what.split("|")[0] == "p"),
    )


def work_of(
    effects: Effects,
    sizes: Mapping[str, Size],
    existing: Collection[str],
    model: Model,
    catalog: Known | None = None,
) -> Work:
    """What the statement does at these sizes. A table that is neither sized nor existing is new and empty."""
    text = COMMENT.sub(" ", LITERAL.sub("''", effects.sql))
    known, told = _Sizes(sizes, existing), catalog or Known()
    found = [
        *_storage(effects, text, known, model),
        *(
            _rows(effects, text, known, model, told)
            if OF_ROWS.match(text)
            else _reading(effects, known, model, told)
        ),
        *_copied(effects, text, known, model),
    ]
    return Work(tuple(found), tuple(sorted(known.missing)))


class _Sizes:
    """Sizes as the statement asks for them; remembers those that it did not get."""

    def __init__(self, sizes: Mapping[str, Size], existing: Collection[str]) -> None:
        self._sizes, self._existing = sizes, existing
        self.missing: set[str] = set()

    def of(self, table: str) -> Size:
        if table not in self._sizes and table in self._existing:
            self.missing.add(table)
        return self._sizes.get(table, Size(0, 0))


def _storage(effects: Effects, text: str, known: _Sizes, model: Model) -> Iterator[Cost]:
    """Tables written anew and indexes built. A CONCURRENTLY build reads the table once more."""
    grown = {act.table for act in effects.did("add column")}
    for table in effects.rewrites:
        yield costs.rewritten(model, known.of(table), table in grown)
    for index, table in effects.builds:
        definition = next((act.now for act in effects.acts if act.name == index and act.now), text)
        method = METHOD.search(definition)
        yield costs.indexed(
            model, known.of(table), method[1].lower() if method else "btree", bool(PARTIAL.search(definition))
        )
        if TWICE.search(text):
            yield costs.scanned(model, known.of(table))


def _reading(effects: Effects, known: _Sizes, model: Model, told: Known) -> Iterator[Cost]:
    """Tables that are only read, to check them: alone, or against the other side of a foreign key. Of a
    partitioned table the partitions count."""
    scans = [table for table in effects.scans if table not in told.partitioned]
    parents = [
        qualified(match[1])
        for act in effects.did("add constraint", "validate constraint")
        if (match := PARENT.search(act.now or act.was or ""))
    ]
    # An empty child hides the parent's scan; a key that nobody validates scans neither.
    unseen = [table for table in parents if table not in effects.scans]
    keyed = {*scans, *unseen} if parents and scans else set()
    for table in sorted(keyed):
        yield costs.looked_up(model, known.of(table))
    done = {*keyed, *effects.rewrites, *(table for _, table in effects.builds)}
    for table in scans:
        if table not in done:
            yield costs.scanned(model, known.of(table))


def _rows(effects: Effects, text: str, known: _Sizes, model: Model, told: Known) -> Iterator[Cost]:
    """Rows read and written. What a query chooses on a few seeded rows says nothing of the live ones: it may
    be none of them and must be taken as all, unless a key names the row."""
    chooses = bool(CHOOSES.search(text))
    targets = _targets(effects, told)
    by_key = BY_KEY.search(text)
    if (
        by_key
        and targets
        and all(f"{table}.{by_key[1]}" in told.unique for table in (*targets, *effects.scans))
    ):
        return
    if effects.batch:
        yield from (costs.backfilled(model, known.of(table)).perhaps() for table in targets)
        return
    found = [costs.written(model, known.of(table), entries=entries) for table, entries in targets.items()]
    found += [costs.scanned(model, known.of(table)) for table in effects.scans if table not in targets]
    yield from (cost.perhaps() if chooses else cost for cost in found)
    if not COPIES.search(text):
        for write in effects.writes:
            yield costs.inserted(model, _sized_or_empty(known, write), write.inserted)


def _targets(effects: Effects, told: Known) -> dict[str, bool]:
    """Tables of which rows are updated (their indexes get new entries) or deleted (they do not). A
    partitioned table stands for those of its partitions that were read or written, if any was."""
    found = {write.table: write.updated > 0 for write in effects.writes if write.updated or write.deleted}
    for table in deletes([effects.sql]):
        found.setdefault(table, False)
    for column in overwrites([effects.sql]):
        found[column.rpartition(".")[0]] = True
    for parent in found.keys() & told.partitioned:
        parts = [table for table in (*found, *effects.scans) if table not in told.partitioned]
        if parts:
            found |= dict.fromkeys(parts, found.pop(parent))
    return {table: entries for table, entries in found.items() if table not in effects.truncates}


def _sized_or_empty(known: _Sizes, write: Write) -> Size:
    """A few new rows cost the same whatever the table's size is."""
    missing = {*known.missing}
    size = known.of(write.table)
    known.missing = missing
    return size


def _copied(effects: Effects, text: str, known: _Sizes, model: Model) -> Iterator[Cost]:
    """INSERT … SELECT and CREATE TABLE AS: as many rows as the largest table has that is read."""
    if not COPIES.search(text):
        return
    read = max((known.of(table) for table in effects.scans), key=costs.rows, default=Size(0, 0))
    made = costs.written(model, read, entries=False)
    yield made.perhaps() if CHOOSES.search(text) else made
