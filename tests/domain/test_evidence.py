"""Evidence travels as JSON and puts catalogs together."""

from __future__ import annotations

import json

import pytest
from tests.domain.evidences import USERS, history, seen

from dbmigrate.domain.errors import BundleRejected
from dbmigrate.domain.evidence import Evidence

NOTE = (("column", "public.users.note", "text"),)
GONE = (("column", "public.users.note", None), ("column", "public.users.name", "varchar"))
BRANCHED = history(
    seen("a1", changes=USERS),
    seen("b2", ("a1",), changes=NOTE),
    seen("c3", ("a1",), changes=(("relation", "public.c", "r"),)),
    seen("d4", ("b2", "c3"), changes=GONE),
)


def test_there_and_back() -> None:
    full = history(
        seen(
            "a1",
            sql=("SELECT 'é'",),
            round_trip_error="no",
            drops=("x",),
            overwrites=("y",),
            deletes=("z",),
            changes=USERS,
        )
    )
    assert Evidence.from_json(json.loads(json.dumps(full.to_json()))) == full
    assert json.dumps(full.to_json()) == json.dumps(Evidence.from_json(full.to_json()).to_json())


def test_what_is_below_a_revision() -> None:
    assert BRANCHED.applied(["b2"]) == {"a1", "b2"}
    assert BRANCHED.applied(["b2", "c3"]) == {"a1", "b2", "c3"}
    assert BRANCHED.applied(["d4"]) == {"a1", "b2", "c3", "d4"}
    assert BRANCHED.applied([]) == BRANCHED.applied(["unknown"]) == set()


def test_the_catalog_at_a_revision() -> None:
    assert BRANCHED.catalog_at([]) == {}
    assert BRANCHED.catalog_at(["c3"])["relation"] == {"public.users": "r|p", "public.c": "r"}
    assert BRANCHED.catalog_at(["b2"])["column"]["public.users.note"] == "text"
    assert BRANCHED.catalog_at(["d4"])["column"] == {
        "public.users.id": "bigint NOT NULL",
        "public.users.name": "varchar",
    }


def test_the_catalog_above_a_base_that_was_not_rehearsed() -> None:
    base = {"relation": {"public.users": "r|p"}}
    evidence = Evidence(15, ("b2",), {"b2": seen("b2", ("a1",), changes=NOTE)}, ("a1",), base)
    assert evidence.catalog_at(["a1"]) == base
    assert evidence.catalog_at(["b2"]) == {**base, "column": {"public.users.note": "text"}}


def test_another_format_is_refused() -> None:
    with pytest.raises(BundleRejected, match="format 9, this version reads 2"):
        Evidence.from_json({**BRANCHED.to_json(), "format": 9})
