"""What only the SQL's text shows: squawk's rules, and how they join our own findings.

Everything that a statement visibly does to a database is judged by what it did, so squawk's rules about that
are silent, and so are those about taste.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dbmigrate.domain.findings import Finding

PREFIX = "squawk/"
SILENT = frozenset(
    {
        # Seen by running them, and judged by what they did to which table.
        "adding-field-with-default",
        "adding-foreign-key-constraint",
        "adding-not-nullable-field",
        "adding-required-field",
        "adding-serial-primary-key-field",
        "ban-concurrent-index-creation-in-transaction",
        "ban-drop-column",
        "ban-drop-not-null",
        "ban-drop-table",
        "changing-column-type",
        "constraint-missing-not-valid",
        "disallowed-unique-constraint",
        "renaming-column",
        "renaming-table",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
        "require-concurrent-partition-detach",
        "require-concurrent-reindex",
        # The runner sets the limits.
        "require-lock-timeout",
        "require-statement-timeout",
        "require-timeout-settings",
        # Taste.
        "prefer-bigint-over-int",
        "prefer-bigint-over-smallint",
        "prefer-identity",
        "prefer-repack",
        "prefer-robust-stmts",
        "prefer-text-field",
        "prefer-timestamptz",
        "prefer-timestamp-tz",
        "require-enum-value-ordering",
        "require-table-schema",
        "unused-ignore",
    }
)
OURS: Mapping[str, frozenset[str]] = {
    "ban-alter-domain-with-add-constraint": frozenset({"DM184"}),
    "ban-char-field": frozenset({"DM183"}),
    "ban-drop-database": frozenset({"DM185"}),
    "ban-truncate-cascade": frozenset({"DM178", "DM186"}),
    "ban-uncommitted-transaction": frozenset({"DM103"}),
    "identifier-too-long": frozenset({"DM188"}),
    "transaction-nesting": frozenset({"DM103"}),
}
"""Rules of ours that see the same hazard where both look."""
REVIEW = frozenset(
    {"ban-drop-database", "ban-truncate-cascade", "ban-uncommitted-transaction", "transaction-nesting"}
)


@dataclass(frozen=True)
class TextFinding:
    """What squawk says of one statement, counted from 1."""

    rule: str
    statement: int
    message: str


def with_text_findings(
    findings: Sequence[Finding],
    said: Iterable[tuple[str, TextFinding]],
    allows: Mapping[str, Sequence[tuple[str, str]]],
) -> list[Finding]:
    """Our findings, and behind them what only the text shows. A finding of ours about the same statement and
    hazard wins. ``allows`` are the suppressions of each revision."""
    found = list(findings)
    for revision, text in dict.fromkeys(said):
        if text.rule in SILENT or _seen(findings, revision, text):
            continue
        rule = PREFIX + text.rule
        reason = dict(allows.get(revision, ())).get(rule)
        severity = "review" if text.rule in REVIEW else "note"
        more = Finding(rule, revision, severity, text.message, instead_of(text.rule), text.statement)
        found.append(replace(more, suppressed_because=reason))
    return found


def instead_of(rule: str) -> str:
    """What to do about one of squawk's rules."""
    return f"write the statement without it; why: squawkhq.com/docs/{rule}"


def unused(
    findings: Iterable[Finding], allows: Mapping[str, Sequence[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """(revision, rule) of suppressions of squawk's rules that meet nothing; for ours a rule looks itself."""
    used = {(finding.revision, finding.rule) for finding in findings}
    asked = [(revision, rule) for revision, given in allows.items() for rule, _ in given]
    return [each for each in dict.fromkeys(asked) if each[1].startswith(PREFIX) and each not in used]


def _seen(findings: Sequence[Finding], revision: str, text: TextFinding) -> bool:
    return any(
        finding.rule in OURS.get(text.rule, ())
        and finding.revision == revision
        and finding.statement in (None, text.statement)
        for finding in findings
    )
