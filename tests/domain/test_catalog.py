"""Catalogs compared, changed and named."""

from __future__ import annotations

from dbmigrate.domain.catalog import (
    Catalog,
    apply_changes,
    changes_between,
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


def test_tables_are_ordinary_or_partitioned() -> None:
    assert (tables(BEFORE), tables(AFTER), tables({})) == (
        {"public.a"},
        {"public.a", "public.p"},
        frozenset(),
    )
