"""Catalogs compared, changed, told and named."""

from __future__ import annotations

from dbmigrate.domain.catalog import (
    Catalog,
    apply_changes,
    changes_between,
    describe_changes,
    describe_drift,
    fingerprint,
    tables,
)

BEFORE: Catalog = {"relation": {"public.a": "r|p", "public.v": "v|p"}, "column": {"public.a.id": "int"}}
AFTER: Catalog = {
    "relation": {"public.a": "r|p", "public.p": "p|p"},
    "column": {"public.a.id": "bigint", "public.p.é": "text"},
    "index": {},
}


def test_changes_lead_from_one_to_the_other() -> None:
    changes = changes_between(BEFORE, AFTER)
    assert changes == (
        ("column", "public.a.id", "bigint"),
        ("column", "public.p.é", "text"),
        ("relation", "public.p", "p|p"),
        ("relation", "public.v", None),
    )
    copy = {kind: dict(objects) for kind, objects in BEFORE.items()}
    apply_changes(copy, changes)
    assert changes_between(copy, AFTER) == ()
    assert fingerprint(copy) == fingerprint(AFTER)


def test_changing_back_is_no_change() -> None:
    copy = {kind: dict(objects) for kind, objects in BEFORE.items()}
    apply_changes(copy, changes_between(BEFORE, AFTER))
    apply_changes(copy, changes_between(AFTER, BEFORE))
    assert fingerprint(copy) == fingerprint(BEFORE)


def test_the_fingerprint_sees_content_only() -> None:
    assert fingerprint(BEFORE) == fingerprint({**dict(reversed(BEFORE.items())), "view": {}})
    assert fingerprint(BEFORE) != fingerprint(AFTER)
    assert fingerprint({}).startswith("sha256:") and len(fingerprint({})) == 71


def test_changes_read_like_a_changelog() -> None:
    assert describe_changes(BEFORE, changes_between(BEFORE, AFTER)) == [
        "~ column public.a.id: int -> bigint",
        "+ column public.p.é: text",
        "+ relation public.p: p|p",
        "- relation public.v",
    ]


def test_drift_says_what_is_and_what_should_be() -> None:
    assert describe_drift(BEFORE, AFTER) == [
        "column public.a.id is bigint, the revisions say int",
        "column public.p.é is in no revision: text",
        "relation public.p is in no revision: p|p",
        "relation public.v is missing",
    ]


def test_what_the_administrator_installed_is_no_drift() -> None:
    """On RDS nearly every database has pg_stat_statements, which no revision of its asks for."""
    installed = {"extension": {"pg_stat_statements": "1.10", "hstore": "1.8"}}
    assert describe_drift({"extension": {"hstore": "1.7"}}, installed) == []
    missing = ["extension hstore is missing", "extension pg_stat_statements is missing"]
    assert describe_drift(installed, {}) == missing


def test_tables_are_ordinary_or_partitioned() -> None:
    assert (tables(BEFORE), tables(AFTER), tables({})) == (
        {"public.a"},
        {"public.a", "public.p"},
        frozenset(),
    )
