"""Evidence: what was seen when the revisions ran on a scratch PostgreSQL. It travels in the bundle and holds
no timings, so that the same revisions always make the same bundle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dbmigrate.domain.catalog import Catalog, Change, apply_changes
from dbmigrate.domain.errors import BundleRejected

FORMAT = 1


@dataclass(frozen=True)
class RevisionEvidence:
    """One revision on scratch.

    ``changes`` is the catalog's delta, ``fingerprint`` the catalog after it. ``round_trip`` says that
    downgrade and upgrade again gave the same catalogs. ``drops``, ``overwrites`` and ``deletes`` name data
    that the way up destroys.
    """

    revision: str
    down: tuple[str, ...]
    file: str
    source_digest: str
    doc: str
    fingerprint: str
    changes: tuple[Change, ...] = ()
    sql: tuple[str, ...] = ()
    autocommit: bool = False
    round_trip: bool = False
    round_trip_error: str | None = None
    drops: tuple[str, ...] = ()
    overwrites: tuple[str, ...] = ()
    deletes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """The evidence of a whole history, in the order in which it is applied."""

    server_major: int
    order: tuple[str, ...]
    revisions: Mapping[str, RevisionEvidence] = field(default_factory=dict)

    def applied(self, heads: Iterable[str]) -> set[str]:
        """The given revisions and everything below them."""
        found: set[str] = set()
        todo = [head for head in heads if head in self.revisions]
        while todo:
            revision = todo.pop()
            if revision not in found:
                found.add(revision)
                todo.extend(self.revisions[revision].down)
        return found

    def catalog_at(self, heads: Iterable[str]) -> Catalog:
        """The catalog of a database at these revisions, put together from the deltas."""
        applied = self.applied(heads)
        catalog: Catalog = {}
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
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Evidence:
        """The evidence back from its JSON. Raises BundleRejected when it is none of ours."""
        try:
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}, this version reads {FORMAT}")
            revisions = {
                revision: RevisionEvidence(revision, **{key: _tuples(value) for key, value in seen.items()})
                for revision, seen in values["revisions"].items()
            }
            order = tuple(values["order"])
            if sorted(order) != sorted(revisions):
                raise ValueError("its order is not that of its revisions")
            return cls(int(values["server_major"]), order, revisions)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleRejected(
                f"evidence.json of the bundle cannot be read: {error}.",
                "build the bundle again: db-migrate deploy",
            ) from error


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
