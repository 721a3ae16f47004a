"""Verify: is the database what the evidence says it must be now?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.catalog import Catalog, describe_drift, fingerprint
from dbmigrate.domain.errors import VerificationFailed
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import Standing, from_label, label
from dbmigrate.service.ports import Database, OpenBundle


def verify(
    plan: Mapping[str, Any], phase: str, database: Database, open_bundle: OpenBundle
) -> dict[str, Any]:
    """Check revision, catalog, indexes and constraints; return the checks that were made.

    ``phase`` is "upgrade" (the plan's end is expected) or "rollback" (its beginning). Raises
    VerificationFailed naming every difference.
    """
    _, evidence = open_bundle(plan["bundle"])
    standing = database.look()
    expected = from_label(plan["to"] if phase == "upgrade" else plan["from"])
    wrong = [
        *_revision(standing, evidence, expected),
        *_indexes(standing),
        *_catalog(standing, evidence, expected),
    ]
    if wrong:
        raise VerificationFailed(
            f"After the {phase} the database is not what was rehearsed:\n"
            + "\n".join(f"  {line}" for line in wrong[:20]),
            "db-migrate status",
        )
    checks = ["revision", "no invalid index", *(["catalog"] if _comparable(standing, evidence) else [])]
    return {"fingerprint": fingerprint(standing.catalog), "checks": checks}


def _revision(standing: Standing, evidence: Evidence, expected: tuple[str, ...]) -> list[str]:
    # Not by name: where one branch depends on another, Alembic may name the lower one or leave it out.
    known = all(revision in evidence.revisions for revision in standing.current)
    if known and evidence.applied(standing.current) == evidence.applied(expected):
        return []
    return [f"revision is {label(standing.current)}, expected {label(expected)}"]


def _indexes(standing: Standing) -> list[str]:
    return [f"index {name} is invalid" for name in standing.invalid_indexes]


def _comparable(standing: Standing, evidence: Evidence) -> bool:
    return evidence.server_major == standing.server_major


def _catalog(standing: Standing, evidence: Evidence, expected: tuple[str, ...]) -> list[str]:
    if not _comparable(standing, evidence):
        return []
    rehearsed: Catalog = evidence.catalog_at(expected)
    return describe_drift(rehearsed, standing.catalog)
