"""The words that every form of the report shares."""

from __future__ import annotations

from typing import Any

import pytest

from dbmigrate.domain.findings import Finding
from dbmigrate.domain.report_rules import about, anchor
from dbmigrate.domain.report_words import (
    gravest_first,
    grouped,
    headline,
    how_long,
    in_order,
    is_code,
    relations,
    verdict,
    waiting,
    work,
)
from dbmigrate.domain.rules import RULES


def finding(severity: str = "block", **more: Any) -> Finding:
    given = {"rule": "DM104", "revision": "a1", "message": "Waits.", "instead": "Less."}
    return Finding(severity=severity, **{**given, **more})


PASSED = finding(suppressed_because="nobody writes")


@pytest.mark.parametrize(
    ("findings", "word", "said"),
    [
        ([], "pass", "nothing found"),
        ([finding("note"), finding("note")], "pass", "2 notes"),
        ([finding("note"), finding("review")], "review", "1 to review, 1 note"),
        (
            [finding("review"), finding(), finding()],
            "block",
            "2 findings must not reach production, 1 to review",
        ),
        ([PASSED], "pass", "1 let pass with a reason"),
        ([finding(), PASSED], "block", "1 finding must not reach production, 1 let pass with a reason"),
    ],
)
def test_the_gravest_that_counts_is_the_verdict(findings: list[Finding], word: str, said: str) -> None:
    assert (verdict(findings), headline(findings)) == (word, said)


def test_findings_stand_in_the_order_of_the_plan_and_then_by_gravity() -> None:
    last, first, stranger = finding("note", revision="b2"), finding(statement=1), finding(revision="z9")
    assert in_order([last, first, stranger], ["a1", "b2"]) == [stranger, first, last]
    assert gravest_first([last, PASSED, first]) == [first, last]


def test_those_that_differ_only_in_the_table_go_together() -> None:
    one, other = finding(relation="t1"), finding(relation="t2", message="Else.")
    third = finding(relation="t3", instead="Otherwise.")
    assert grouped([one, third, other]) == [(one, other), (third,)]
    assert [relations(group) for group in ((one, other), (one, one), (finding(),))] == ["2 tables", "t1", ""]


def test_who_waits_for_how_long() -> None:
    short = finding(blocks="writes", seconds_low=2.0, seconds_high=30.0)
    assert waiting([short, short]) == "writes, for 2 to 30 s"
    assert waiting([finding(seconds_low=2.0, seconds_high=30.0)]) == ""
    assert how_long(finding(seconds_low=150.0)) == "for at least 2.5 min"
    assert how_long(finding()) == "for an unknown time, as its size is not known"


def test_what_is_done_to_the_table() -> None:
    both = finding(relation="t1", rewrites=True, scans=True)
    assert work([both, finding(relation="t2", scans=True)]) == (
        "t1 is rewritten and read in full; t2 is read in full"
    )
    assert work([finding(relation="t1"), finding(rewrites=True)]) == ""


@pytest.mark.parametrize(
    ("instead", "code"),
    [
        ('op.create_index("i", "t", ["id"])', True),
        ("def upgrade() -> None:\n    pass", True),
        ("use op.create_index with care", False),
        ("drop it", False),
        ("op.execute(" + "(" * 10_000, False),
    ],
)
def test_a_replacement_is_told_from_advice(instead: str, code: bool) -> None:
    assert is_code(instead) is code


@pytest.mark.parametrize("rule", [*RULES, "history/edited", "history/deleted", "squawk/ban-char-field"])
def test_every_rule_is_known_in_words(rule: str) -> None:
    what = about(rule)
    assert what.title and what.hurts and what.instead and what.page.startswith("docs/")


def test_a_rule_of_squawk_that_we_never_met_is_named_as_it_is() -> None:
    assert about("squawk/ban-new-thing").title == "ban new thing"


def test_an_anchor_is_that_of_the_rendered_page() -> None:
    assert anchor("DM121", "foreign key, validated at once") == "dm121-foreign-key-validated-at-once"
