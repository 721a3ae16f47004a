"""What a rule may look at: one revision's evidence, the database that it meets, and its live sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dbmigrate.domain.catalog import Catalog, apply_changes, tables
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.prediction import Estimate, predict
from dbmigrate.domain.sizes import SMALL_BYTES, Size


@dataclass(frozen=True)
class Facts:
    """One revision as a rule sees it.

    ``existing_tables`` are in the database today, hold the application's rows, and bear the names that they
    have just before this revision; what the same plan made a moment before is not among them. ``sizes`` go by
    the same names. ``estimates`` has one for each statement of the evidence. ``live_major`` is the major
    version of the server that is to be changed, ``live_time_zone`` that of its sessions, None when nobody
    knows them. ``start`` and ``end`` are the catalogs before and after the whole plan. ``broken_queries`` are
    (query, what PostgreSQL says) of the application's queries that no longer plan from this revision on.
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

    def exists(self, table: str) -> bool:
        """Whether the application uses this table today."""
        return table in self.existing_tables

    def severity(self, table: str, large: str = "block", small: str = "note") -> str:
        """``small`` for a live table under SMALL_BYTES, else ``large``: a size that nobody knows is large."""
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
) -> Iterator[Facts]:
    """The facts of each pending revision in turn; tables are followed through renames, drops and makings."""
    before, existing, known = evidence.catalog_at(start), live_tables, dict(sizes)
    first, end = before, evidence.catalog_at(start)
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
            tuple(predict(seen.statements, known, existing)),
            evidence.server_major,
            live_major,
            live_time_zone,
            first,
            end,
            tuple((broken_queries or {}).get(revision, ())),
        )
        existing, known = _after(seen, existing, known)
        existing, before = existing & tables(after), after


def _after(
    seen: RevisionEvidence, existing: frozenset[str], sizes: Mapping[str, Size]
) -> tuple[frozenset[str], dict[str, Size]]:
    names = {name: name for name in existing}
    for statement in seen.statements:
        for act in statement.did("rename table", "drop table", "create table"):
            if act.kind == "rename table":
                names = {first: act.now or "" if name == act.was else name for first, name in names.items()}
            else:
                names = {first: name for first, name in names.items() if name != act.name}
    known = {names[first]: size for first, size in sizes.items() if first in names}
    return frozenset(names.values()), known
