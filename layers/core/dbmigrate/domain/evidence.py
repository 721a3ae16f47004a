"""Evidence: what was seen when the revisions ran on a scratch PostgreSQL. It travels in the bundle and holds
no timings, so that the same revisions always make the same bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dbmigrate.domain.catalog import Catalog, Change, apply_changes
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.errors import BundleRejected

FORMAT = 2


@dataclass(frozen=True)
class RevisionEvidence:
    """One revision on scratch.

    ``changes`` is the catalog's delta, ``fingerprint`` the catalog after it. ``statements`` are the way up in
    effects, ``down_sql`` is the way down. ``round_trip`` says that downgrade and upgrade again gave the same
    catalogs. ``drops``, ``overwrites`` and ``deletes`` name data that the way up destroys, as its statements
    and the catalog tell; ``row_losses`` is what was missing of the tables' rows after up and down:
    (table, column or None for whole rows, rows). ``unseeded`` are tables that were there before
    and held no row, so that only the rules speak for them. ``roles`` had to be made for it. ``allows`` are
    the findings that the revision itself lets pass: (rule, reason); ``misread`` are (line, comment) that were
    meant to be such and let nothing pass.
    """

    revision: str
    down: tuple[str, ...]
    file: str
    source_digest: str
    doc: str
    fingerprint: str
    changes: tuple[Change, ...] = ()
    statements: tuple[Effects, ...] = ()
    down_sql: tuple[str, ...] = ()
    autocommit: bool = False
    round_trip: bool = False
    round_trip_error: str | None = None
    drops: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()
    row_losses: tuple[tuple[str, str | None, int], ...] = ()
    unseeded: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    allows: tuple[tuple[str, str], ...] = ()
    misread: tuple[tuple[int, str], ...] = ()

    @property
    def sql(self) -> tuple[str, ...]:
        """The statements of the way up, with the values that went along."""
        return tuple(statement.sql for statement in self.statements)

    @property
    def resumable(self) -> bool:
        """Whether it is made of safe operations alone: they resume where a broken run left them, though what
        they did is committed."""
        return bool(self.statements) and all(statement.operation for statement in self.statements)

    @property
    def lossless(self) -> bool:
        """Whether the rows that were there came through up and down unharmed."""
        return self.round_trip and not self.row_losses


@dataclass(frozen=True)
class Evidence:
    """The evidence of revisions in the order in which they are applied: of a whole history, as a bundle has
    it, or of those after ``base_revisions``, whose catalog is then ``base``."""

    server_major: int
    order: tuple[str, ...]
    revisions: Mapping[str, RevisionEvidence] = field(default_factory=dict)
    base_revisions: tuple[str, ...] = ()
    base: Catalog = field(default_factory=dict)

    def applied(self, heads: Iterable[str]) -> set[str]:
        """The given revisions and everything below them that it has evidence of."""
        found: set[str] = set()
        todo = list(heads)
        while todo:
            revision = todo.pop()
            if revision in self.revisions and revision not in found:
                found.add(revision)
                todo.extend(self.revisions[revision].down)
        return found

    def catalog_at(self, heads: Iterable[str]) -> Catalog:
        """The catalog of a database at these revisions, put together from the deltas."""
        applied = self.applied(heads)
        catalog: Catalog = {kind: dict(objects) for kind, objects in self.base.items()}
        for revision in self.order:
            if revision in applied:
                apply_changes(catalog, self.revisions[revision].changes)
        return catalog

    def to_json(self) -> dict[str, Any]:
        revisions = {}
        for revision, evidence in self.revisions.items():
            values = asdict(evidence)
            del values["revision"]
            revisions[revision] = values
        return {
            "format": FORMAT,
            "server_major": self.server_major,
            "order": list(self.order),
            "revisions": revisions,
            "base_revisions": list(self.base_revisions),
            "base": self.base,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Evidence:
        """The evidence back from its JSON. Raises BundleRejected when it is none of ours."""
        try:
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}, this version reads {FORMAT}")
            revisions = {
                revision: _revision_evidence(revision, seen) for revision, seen in values["revisions"].items()
            }
            order = tuple(values["order"])
            if sorted(order) != sorted(revisions):
                raise ValueError("its order is not that of its revisions")
            base = tuple(values["base_revisions"])
            return cls(int(values["server_major"]), order, revisions, base, values["base"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleRejected(
                f"evidence.json of the bundle cannot be read: {error}.",
                "build the bundle again: db-migrate deploy",
            ) from error


def _revision_evidence(revision: str, values: Mapping[str, Any]) -> RevisionEvidence:
    statements = tuple(Effects.from_json(statement) for statement in values["statements"])
    rest = {key: _tuples(value) for key, value in values.items() if key != "statements"}
    return RevisionEvidence(revision, statements=statements, **rest)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
