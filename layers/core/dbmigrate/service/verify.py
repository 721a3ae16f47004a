"""Verify: is the database what the evidence says it must be now, with the rows that it must have?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbmigrate.domain.catalog import Catalog, apply_changes, changes_between, fingerprint
from dbmigrate.domain.drift import describe_drift
from dbmigrate.domain.errors import VerificationFailed
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import Standing, from_label, label
from dbmigrate.domain.words import counted
from dbmigrate.service.ports import Database, OpenBundle

MOST_LEFT = 20
"""Lines in the state of a run."""


def verify(
    plan: Mapping[str, Any], phase: str, database: Database, open_bundle: OpenBundle
) -> dict[str, Any]:
    """Check revision, catalog, indexes and constraints, after a way back the rows too, and the smoke queries;
    return the checks that were made. ``left`` are rows that a way back may have left behind.

    ``phase`` is "upgrade" (the plan's end is expected) or "rollback" (its beginning). Raises
    VerificationFailed naming every difference.
    """
    history, evidence = open_bundle(plan["bundle"])
    standing = database.look()
    expected = from_label(plan["to"] if phase == "upgrade" else plan["from"])
    catalogs = list(_expected_catalogs(standing, evidence, plan, expected))
    wrong = [*_revision(standing, evidence, expected), *_indexes(standing), *_catalog(standing, catalogs)]
    undone = phase == "rollback" or plan["direction"] == "downgrade"
    remained = database.remained(plan["pending"]) if undone else {}
    wrong += _taken(remained, evidence)
    smoke = [query for query in history.smoke_queries() if query.is_due(history.applied(standing.current))]
    wrong += database.unanswered(smoke)
    if wrong:
        raise VerificationFailed(
            f"After the {phase} the database is not what was rehearsed:\n"
            + "\n".join(f"  {line}" for line in wrong[:20]),
            "db-migrate status",
        )
    checks = ["revision", "no invalid index", *(["catalog"] if catalogs else [])]
    checks += ["rows"] if remained else []
    checks += [counted(len(smoke), "smoke query", "smoke queries")] if smoke else []
    return {"fingerprint": fingerprint(standing.catalog), "checks": checks, "left": _left(remained)}


def _revision(standing: Standing, evidence: Evidence, expected: tuple[str, ...]) -> list[str]:
    # Not by name: where one branch depends on another, Alembic may name the lower one or leave it out.
    known = all(revision in evidence.revisions for revision in standing.current)
    if known and evidence.applied(standing.current) == evidence.applied(expected):
        return []
    return [f"revision is {label(standing.current)}, expected {label(expected)}"]


def _indexes(standing: Standing) -> list[str]:
    return [f"index {name} is invalid" for name in standing.invalid_indexes]


def _taken(remained: Mapping[str, Mapping[str, int]], evidence: Evidence) -> Iterator[str]:
    """Rows that were there before: nobody but the run itself can have made its own sum negative."""
    for revision, tables in remained.items():
        seen = evidence.revisions[revision]
        foreseen = {*seen.deletes, *(table for table, _, _ in seen.row_losses)}
        for table, rows in tables.items():
            if rows < 0 and table not in foreseen:
                yield (
                    f"{table} lost {counted(-rows, 'row')} that were there before: revision {revision} and "
                    "its way back deleted more than they inserted"
                )


def _left(remained: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Not wrong for sure: the application may have deleted them meanwhile."""
    lines = [
        f"{table}: up to {counted(rows, 'row')} of revision {revision}"
        for revision, tables in remained.items()
        for table, rows in tables.items()
        if rows > 0
    ]
    return lines[:MOST_LEFT]


def _expected_catalogs(
    standing: Standing, evidence: Evidence, plan: Mapping[str, Any], expected: tuple[str, ...]
) -> Iterator[Catalog]:
    """What either explains the database, as before the run: the evidence, or what our own last run left there
    with the change that the evidence saw. Two major versions write the same change differently."""
    comparable = evidence.server_major == standing.server_major
    before = from_label(plan["from"])
    rehearsed = evidence.catalog_at(expected)
    if comparable:
        yield rehearsed
    if standing.kept and standing.kept[0] == plan["from"] and (comparable or expected == before):
        catalog = {kind: dict(objects) for kind, objects in standing.kept[1].items()}
        apply_changes(catalog, changes_between(evidence.catalog_at(before), rehearsed))
        yield catalog


def _catalog(standing: Standing, catalogs: Sequence[Catalog]) -> list[str]:
    """Nothing when the database is one of them, else how it differs from the last."""
    differences = [describe_drift(catalog, standing.catalog, standing.own_roles) for catalog in catalogs]
    return differences[-1] if differences and all(differences) else []
