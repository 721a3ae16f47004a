"""What a way back would not bring back, and what a plan costs at live sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.domain.evidences import USERS, facts, history, seen

from dbmigrate.domain.costs import Model
from dbmigrate.domain.impact import (
    SECONDS_PER_REVISION,
    losses,
    losses_of_undoing,
    predicted_bytes,
    predicted_seconds,
    seconds_of_undoing,
    touched_tables,
)
from dbmigrate.domain.prediction import Estimate
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


def test_an_upgrade_takes_as_long_as_the_upper_ends_of_its_statements() -> None:
    fact = replace(facts(sql=("a", "b")), estimates=(Estimate(1.0, 6.0), Estimate(0.5, 3.0)))
    unsized = replace(fact, estimates=(Estimate(0.5, None), Estimate(1.0, 2.0)))
    assert predicted_seconds([]) == 0
    assert predicted_seconds([facts()]) == SECONDS_PER_REVISION
    assert predicted_seconds([fact, unsized]) == 2 * SECONDS_PER_REVISION + 9.0 + 2.5


def test_storage_is_that_of_all_statements_and_of_the_largest() -> None:
    first = replace(facts(sql=("a", "b")), estimates=(Estimate(disk_bytes=3 * MIB), Estimate(disk_bytes=MIB)))
    second = replace(facts(sql=("c",)), estimates=(Estimate(disk_bytes=2 * MIB),))
    assert predicted_bytes([first, second]) == (6 * MIB, 3 * MIB)
    assert predicted_bytes([]) == (0, 0)


def test_a_way_back_writes_what_it_touches_anew() -> None:
    users = {"public.users": Size(1_000_000, 500 * MIB)}
    small = seconds_of_undoing([seen(changes=NOTE)], users, Model())
    assert seconds_of_undoing([], users, Model()) == 0
    assert seconds_of_undoing([seen(changes=NOTE)], {}, Model()) == SECONDS_PER_REVISION
    assert SECONDS_PER_REVISION + 3 < small < SECONDS_PER_REVISION + 30
    crowded = {**users, "public.other": Size(10**9, 10**12)}
    slow = Model(read_bytes_per_second=MIB)
    assert seconds_of_undoing([seen(changes=NOTE)] * 2, crowded, slow) == 2 * (2 + 3 * 500)
