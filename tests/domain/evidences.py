"""Evidence and plans, written short."""

from __future__ import annotations

from typing import Any

from dbmigrate.domain.catalog import Change
from dbmigrate.domain.effects import Effects
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.sizes import Size

DIGEST = "sha256:" + "a" * 64
USERS: tuple[Change, ...] = (
    ("relation", "public.users", "r|p"),
    ("column", "public.users.id", "bigint NOT NULL"),
    ("column", "public.users.name", "text"),
)


def seen(revision: str = "a1", down: tuple[str, ...] = (), **more: Any) -> RevisionEvidence:
    """What one revision did: nothing but what is named."""
    given: dict[str, Any] = {
        "file": f"versions/{revision}.py",
        "source_digest": f"digest of {revision}",
        "doc": f"Why {revision}.\n\nRollback: undo it.",
        "fingerprint": "sha256:0",
        "round_trip": True,
    }
    if "sql" in more:
        given["statements"] = tuple(Effects(sql) for sql in more.pop("sql"))
    return RevisionEvidence(revision=revision, down=down, **{**given, **more})


def history(*revisions: RevisionEvidence) -> Evidence:
    """The evidence of these revisions in this order."""
    return Evidence(
        15, tuple(each.revision for each in revisions), {each.revision: each for each in revisions}
    )


def facts(
    table_bytes: dict[str, int] | None = None, existing: tuple[str, ...] = ("public.users",), **more: Any
) -> Facts:
    """What a rule looks at: one revision on a database that has a table users."""
    sizes = {name: Size(0, size) for name, size in (table_bytes or {}).items()}
    return Facts(seen(**more), frozenset(existing), sizes)


def plan(**more: Any) -> Plan:
    given: dict[str, Any] = {
        "bundle": DIGEST,
        "environment": "staging",
        "direction": "upgrade",
        "start": "base",
        "end": "b2",
        "steps": (
            Step("a1", "Why.", ("CREATE TABLE a ()",), ("+ relation public.a: r",), round_trip=True),
            Step("b2", "Why too.", round_trip=True),
        ),
        "requested_by": "ann@example.com",
    }
    return Plan(**{**given, **more})
