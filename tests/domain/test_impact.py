"""What a way back would not bring back, and what a plan costs at live sizes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.evidences import USERS, history, seen

from dbmigrate.domain.impact import losses, losses_of_undoing, predicted_seconds, touched_tables
from dbmigrate.domain.sizes import Size

MIB = 1024 * 1024
RENAMED = (("column", "public.users.name", None), ("column", "public.users.title", "text"))
MOVED = (
    ("relation", "public.users", None), ("relation", "public.people", "r"),
    ("column", "public.users.name", None), ("column", "public.people.name", "text"),
)  # fmt: skip
MOVED_ID = (("column", "public.users.id", None), ("column", "public.people.id", "bigint NOT NULL"))
NOTE = (("column", "public.users.note", "text"),)


def lost(*revisions: dict[str, Any]) -> list[str]:
    """Losses of these revisions on a database that has users with a name."""
    later = [seen(f"r{number}", ("a1",), **more) for number, more in enumerate(revisions)]
    evidence = history(seen("a1", changes=USERS), *later)
    return losses(evidence, ["a1"], [each.revision for each in later])


@pytest.mark.parametrize(
    ("revisions", "said"),
    [
        ([{"drops": ("public.users",)}], ["r0 drops public.users"]),
        ([{"drops": ("public.users.name",)}], ["r0 drops public.users.name"]),
        ([{"overwrites": ("public.users.name",)}], ["r0 overwrites public.users.name"]),
        ([{"deletes": ("public.users",)}], ["r0 deletes rows of public.users"]),
        ([{"changes": NOTE}], []),
        ([{"changes": NOTE}, {"overwrites": ("public.users.note",)}], []),
        ([{"changes": NOTE}, {"drops": ("public.users.note",)}], []),
        ([{"overwrites": ("public.other.name",), "deletes": ("public.other",)}], []),
        ([{"changes": RENAMED}], []),
        ([{"changes": RENAMED}, {"drops": ("public.users.title",)}], ["r1 drops public.users.title"]),
        (
            [{"changes": RENAMED}, {"overwrites": ("public.users.title",)}],
            ["r1 overwrites public.users.title"],
        ),
        ([{"changes": MOVED}, {"drops": ("public.people",)}], ["r1 drops public.people"]),
        ([{"changes": MOVED}, {"deletes": ("public.people",)}], ["r1 deletes rows of public.people"]),
    ],
)
def test_losses(revisions: list[dict[str, Any]], said: list[str]) -> None:
    assert lost(*revisions) == said


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ({"changes": NOTE}, ["drops public.users.note and what it holds"]),
        ({"changes": (("relation", "public.posts", "r|p"),)}, ["drops public.posts and what it holds"]),
        ({"changes": RENAMED}, []),
        ({"changes": (*MOVED, *MOVED_ID)}, []),
        (
            {"changes": RENAMED, "drops": ("public.users.name",)},
            [
                "drops public.users.title and what it holds",
                "does not bring back what it took from public.users.name",
            ],
        ),
        ({"overwrites": ("public.users.name",)}, ["does not bring back what it took from public.users.name"]),
        ({"deletes": ("public.other",), "changes": (("index", "public.ix", "CREATE INDEX"),)}, []),
    ],
)
def test_losses_of_undoing(revision: dict[str, Any], said: list[str]) -> None:
    """Rehearsed on empty tables, a downgrade seems to lose nothing."""
    evidence = history(seen("a1", changes=USERS), seen("b2", ("a1",), **revision))
    assert losses_of_undoing(evidence, ["b2"]) == [f"undoing b2 {what}" for what in said]


def test_a_table_that_is_dropped_and_made_again_is_one_loss() -> None:
    again = {"changes": (("column", "public.users.name", None),), "drops": ("public.users",)}
    assert lost(again, {"changes": NOTE, "drops": ("public.users.note",)}) == ["r0 drops public.users"]


def test_tables_that_a_revision_touches() -> None:
    evidence = seen(
        changes=(
            ("column", "public.a.x", "int"), ("constraint", "public.b.fk", "FOREIGN KEY"),
            ("trigger", "public.c.t", None), ("relation", "public.d", "r"),
            ("index", "public.ix", "CREATE INDEX ix ON ONLY public.e USING btree (x)"),
            ("index", "public.old", None), ("function", "public.f()", "x"),
        ),
        overwrites=("public.g.x",),
        deletes=("public.h",),
    )  # fmt: skip
    indexes = {"index": {"public.old": "CREATE INDEX old ON public.i USING btree (x)"}}
    assert {name[-1] for name in touched_tables(evidence, indexes)} == set("abcdeghi")
    assert {name[-1] for name in touched_tables(evidence, {})} == set("abcdegh")


def test_seconds_grow_with_bytes_and_never_vanish() -> None:
    touching = seen(changes=NOTE)
    sizes = {"public.users": Size(0, 500 * MIB), "public.other": Size(0, 10**12)}
    assert predicted_seconds([], {}) == 0
    assert predicted_seconds([touching], {}) == 2.0
    assert predicted_seconds([touching], {"public.users": Size(0, 500 * MIB)}) == 32.0
    assert predicted_seconds([touching] * 2, sizes) == 64.0
