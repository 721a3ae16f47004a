"""Text findings join ours, and nothing is said twice."""

from __future__ import annotations

import pytest

from dbmigrate.domain.findings import Finding
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.text_rules import HEARD, TextFinding, instead_of, unused, with_text_findings

CHAR = TextFinding("ban-char-field", 2, "Rather text.")


def ours(revision: str, rule: str = "DM101", statement: int | None = 1) -> Finding:
    return Finding(rule, revision, "review", "Gone.", "Keep it.", statement)


def names(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.revision, finding.rule) for finding in findings]


def test_they_stand_behind_ours_and_once() -> None:
    found = with_text_findings([ours("a"), ours("b")], [("a", CHAR), ("c", CHAR), ("a", CHAR)], {})
    assert names(found) == [
        ("a", "DM101"),
        ("b", "DM101"),
        ("a", "squawk/ban-char-field"),
        ("c", "squawk/ban-char-field"),
    ]
    assert (found[2].severity, found[2].statement, found[2].message) == ("note", 2, "Rather text.")


def test_what_we_judge_by_its_effects_is_not_judged_by_its_text() -> None:
    for rule in ("ban-drop-column", "ban-truncate-cascade", "a-rule-of-next-year"):
        assert with_text_findings([], [("a", TextFinding(rule, 1, "Gone."))], {}) == []


@pytest.mark.parametrize(("statement", "count"), [(2, 1), (None, 1), (1, 2)])
def test_a_finding_of_ours_about_the_same_statement_and_hazard_wins(
    statement: int | None, count: int
) -> None:
    padded = ours("a", "DM183", statement)
    assert len(with_text_findings([padded], [("a", CHAR)], {})) == count
    assert len(with_text_findings([padded], [("b", CHAR)], {})) == 2


def test_only_rules_that_there_are_win() -> None:
    assert frozenset().union(*(heard.ours for heard in HEARD.values())) <= RULES.keys()


def test_a_reason_lets_it_pass_and_an_unused_one_is_told() -> None:
    allows = {"a": [("squawk/ban-char-field", "it is legacy"), ("squawk/identifier-too-long", "no")]}
    found = with_text_findings([], [("a", CHAR)], allows)
    assert [finding.suppressed_because for finding in found] == ["it is legacy"]
    assert unused(found, {**allows, "b": [("DM104", "ours")]}) == [("a", "squawk/identifier-too-long")]


@pytest.mark.parametrize("rule", HEARD)
def test_each_rule_says_what_to_write(rule: str) -> None:
    said = instead_of(rule)
    assert "without it" not in said
    assert said.endswith(f"(squawkhq.com/docs/{rule})") and len(said) > len(rule) + 40


def test_a_rule_that_we_do_not_know_names_its_page() -> None:
    assert instead_of("brand-new") == "read why (squawkhq.com/docs/brand-new)"
