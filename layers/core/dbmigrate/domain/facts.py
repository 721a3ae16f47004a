"""What a rule may look at: one revision's evidence, the database that it meets, and its live sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dbmigrate.domain.catalog import Catalog, apply_changes, tables
from dbmigrate.domain.costs import BATCH_SECONDS, Model
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.prediction import Estimate, predict
from dbmigrate.domain.sizes import SMALL_BYTES, Size

SHORT_SECONDS = 0.5
"""A wait that an application's users hardly notice; five times what our own sessions wait for a lock."""


@dataclass(frozen=True)
class Facts:
    """One revision as a rule sees it.

    ``existing_tables`` are in the database today, hold the application's rows, and bear the names that they
    have just before this revision; what the same plan made a moment before is not among them. ``sizes`` go by
    the same names. ``estimates`` has one for each statement of the evidence. ``live_major`` is the major
    version of the server that is to be changed, ``live_time_zone`` that of its sessions, None when nobody
    knows them. ``start`` and ``end`` are the catalogs before and after the whole plan. ``broken_queries`` are
    (query, what PostgreSQL says) of the application's queries that no longer plan from this revision on.
    ``free_bytes`` is the live server's storage, None when nobody knows it. ``made`` are columns of existing
    tables that the plan itself has made before this revision.
    """

    evidence: RevisionEvidence
    existing_tables: frozenset[str]
    sizes: Mapping[str, Size] = field(default_factory=dict)
    before: Catalog = field(default_factory=dict)
    after: Catalog = field(default_factory=dict)
    estimates: tuple[Estimate, ...] = ()
    rehearsed_major: int | None = None
    live_major: int | None = None
    live_time_zone: str | None = None
    start: Catalog = field(default_factory=dict)
    end: Catalog = field(default_factory=dict)
    broken_queries: tuple[tuple[str, str], ...] = ()
    free_bytes: int | None = None
    made: frozenset[str] = frozenset()

    @property
    def disk_bytes(self) -> int:
        """What must be free while it runs, beside the log: its commit alone frees what it replaces."""
        return sum(estimate.disk_bytes for estimate in self.estimates)

    @property
    def wal_bytes(self) -> int:
        """What it writes to the log."""
        return sum(estimate.wal_bytes for estimate in self.estimates)

    def exists(self, table: str) -> bool:
        """Whether the application uses this table today."""
        return table in self.existing_tables

    def seconds(self, statement: int, table: str) -> tuple[float, float | None] | None:
        """How long the lock on the table is held that this statement, counted from 1, takes or has from an
        earlier one of its transaction; how long it runs, where it has none. A batch keeps its rows for a
        moment, however long all of them take. The upper end is None where a size is unknown; None altogether
        where nothing was predicted."""
        if statement > len(self.estimates):
            return None
        done, here = self.evidence.statements, self.evidence.statements[statement - 1]
        if here.batch:
            return 0.0, BATCH_SECONDS
        for number in range(statement, 0, -1):
            earlier = done[number - 1]
            if number < statement and (here.autocommit or earlier.transaction != here.transaction):
                break
            for wait in self.estimates[number - 1].waits:
                if wait.relation == table:
                    return wait.seconds_low, wait.seconds_high
        estimate = self.estimates[statement - 1]
        return estimate.seconds_low, estimate.seconds_high

    def severity(
        self, table: str, large: str = "block", small: str = "note", statement: int | None = None
    ) -> str:
        """``small`` where the ``statement``, counted from 1, makes nobody wait for SHORT_SECONDS at the live
        sizes; without it, for a table under SMALL_BYTES. Else ``large``: an unknown size is large."""
        predicted = self.seconds(statement, table) if statement else None
        if predicted is not None:
            return small if predicted[1] is not None and predicted[1] < SHORT_SECONDS else large
        size = self.sizes.get(table)
        return small if size is not None and size.bytes < SMALL_BYTES else large


def facts_of(
    evidence: Evidence,
    start: Sequence[str],
    revisions: Sequence[str],
    live_tables: frozenset[str],
    sizes: Mapping[str, Size],
    live_major: int | None,
    live_time_zone: str | None = None,
    broken_queries: Mapping[str, Sequence[tuple[str, str]]] | None = None,
    model: Model | None = None,
    free_bytes: int | None = None,
) -> Iterator[Facts]:
    """The facts of each pending revision in turn; tables are followed through renames, drops and makings."""
    before, existing, known = evidence.catalog_at(start), live_tables, dict(sizes)
    first, end = before, evidence.catalog_at(start)
    made: frozenset[str] = frozenset()
    for revision in revisions:
        apply_changes(end, evidence.revisions[revision].changes)
    for revision in revisions:
        seen = evidence.revisions[revision]
        after = {kind: dict(objects) for kind, objects in before.items()}
        apply_changes(after, seen.changes)
        yield Facts(
            seen,
            existing,
            known,
            before,
            after,
            tuple(predict(seen.statements, known, existing, model, before)),
            evidence.server_major,
            live_major,
            live_time_zone,
            first,
            end,
            tuple((broken_queries or {}).get(revision, ())),
            free_bytes,
            made,
        )
        made = _made(seen, made)
        existing, known = _after(seen, existing, known)
        existing, before = existing & tables(after), after


def _after(
    seen: RevisionEvidence, existing: frozenset[str], sizes: Mapping[str, Size]
) -> tuple[frozenset[str], dict[str, Size]]:
    names = {name: name for name in {*existing, *sizes}}
    for statement in seen.statements:
        for act in () if statement.undone else statement.did("rename table", "drop table", "create table"):
            if act.kind == "rename table":
                names = {first: act.now or "" if name == act.was else name for first, name in names.items()}
            else:
                names = {first: name for first, name in names.items() if name != act.name}
    known = {names[first]: size for first, size in sizes.items() if first in names}
    return frozenset(names[first] for first in existing if first in names), known


def _made(seen: RevisionEvidence, made: frozenset[str]) -> frozenset[str]:
    """The plan's own columns after this revision, under the names that they have then."""
    found = set(made)
    for statement in (each for each in seen.statements if not each.undone):
        for act in statement.did("add column", "rename column", "drop column"):
            if act.kind == "rename column" and act.was in found:
                found = {act.now or "" if name == act.was else name for name in found}
            elif act.kind == "add column":
                found.add(act.name)
            else:
                found.discard(act.name)
        for act in statement.did("rename table"):
            found = {re.sub(rf"^{re.escape(act.was or '')}\.", f"{act.now}.", name) for name in found}
    return frozenset(found)
