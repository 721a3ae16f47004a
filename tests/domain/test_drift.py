"""What refuses a deploy, and what is only worth a note."""

from __future__ import annotations

import pytest

from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.changelog import to_lines
from dbmigrate.domain.drift import ADMINISTRATION, describe_drift, drift_between

BEFORE: Catalog = {"relation": {"public.a": "r|p", "public.v": "v|p"}, "column": {"public.a.id": "integer"}}
AFTER: Catalog = {
    "relation": {"public.a": "r|p", "public.p": "p|p"},
    "column": {"public.a.id": "bigint", "public.a.n": "text", "public.p.é": "text"},
}


def test_drift_says_what_is_and_what_should_be() -> None:
    assert describe_drift(BEFORE, AFTER) == [
        "partitioned table public.p is in no revision",
        "table public.a: column id is bigint, the revisions say integer",
        "table public.a: column n is in no revision: text, nullable",
        "view public.v is missing",
    ]


@pytest.mark.parametrize("kind", sorted(ADMINISTRATION))
def test_administration_that_no_revision_speaks_of_is_a_note(kind: str) -> None:
    drift = drift_between({}, {kind: {"x to y": "z"}})
    assert (drift.changes, len(drift.notes)) == ((), 1)
    assert describe_drift({kind: {"x to y": "z"}}, {}) != []
    same = describe_drift({kind: {"x to y": "z"}}, {kind: {"x to y": "other"}})
    assert (same == []) == (kind == "extension"), "an extension's version is the server's"


def test_a_note_names_the_object() -> None:
    drift = drift_between(BEFORE, {**BEFORE, "grant": {"table public.a to app": "SELECT"}})
    assert to_lines(drift.notes) == ["~ table public.a", "+   grant to app: SELECT"]


def test_a_view_that_was_filled_since_is_no_drift() -> None:
    empty: Catalog = {"relation": {"public.m": "m|p|not populated"}}
    full: Catalog = {"relation": {"public.m": "m|p"}}
    assert describe_drift(empty, full) == []
    assert describe_drift(full, empty) == ["materialized view public.m: not populated is in no revision"]


def test_the_databases_owner_needs_neither_owner_line_nor_grant() -> None:
    expected: Catalog = {"owner": {"table public.a": "app"}, "grant": {"table public.a to app": "SELECT"}}
    assert describe_drift(expected, {}, own_roles=("app",)) == []
    assert len(describe_drift(expected, {}, own_roles=("other",))) == 2
    other: Catalog = {"owner": {"table public.a": "other"}, "grant": expected["grant"]}
    assert describe_drift(expected, other, own_roles=("app",)) != []


@pytest.mark.parametrize(
    ("planned", "actual", "drifts"),
    [
        ("SELECT", "DELETE, INSERT, SELECT, UPDATE", False),
        ("INSERT, SELECT", "INSERT, SELECT WITH GRANT OPTION, UPDATE", False),
        ("INSERT, SELECT", "SELECT, UPDATE", True),
        ("SELECT WITH GRANT OPTION", "INSERT, SELECT", True),
        ("nothing", "EXECUTE", True),
        ("SELECT", "nothing", True),
    ],
)
@pytest.mark.parametrize("kind", ["grant", "default privileges"])
def test_a_role_may_have_more_than_the_revisions_granted_but_not_less(
    kind: str, planned: str, actual: str, drifts: bool
) -> None:
    drift = drift_between(
        {kind: {"table public.a to app": planned}}, {kind: {"table public.a to app": actual}}
    )
    assert (bool(drift.changes), bool(drift.notes)) == (drifts, not drifts)


def test_options_that_the_role_may_not_see_are_no_drift() -> None:
    expected: Catalog = {"user mapping": {"far to app": "OPTIONS (user=reader)"}}
    assert describe_drift(expected, {"user mapping": {"far to app": "OPTIONS ()"}}) == []
    assert describe_drift(expected, {"user mapping": {"far to app": "OPTIONS (user=writer)"}}) != []
    assert describe_drift(expected, {}) != []
