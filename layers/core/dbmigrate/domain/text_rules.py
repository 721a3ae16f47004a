"""What only the SQL's text shows: some of squawk's rules, and how they join our own findings.

Everything that a statement visibly does to a database is judged by what it did; what squawk says of that, and
of taste, is not repeated. Its rules: https://squawkhq.com/docs/rules
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dbmigrate.domain.findings import Finding

PREFIX = "squawk/"


@dataclass(frozen=True)
class Heard:
    """A rule of squawk's that we listen to: what it is called, what to write instead, and our own rules for
    the same hazard."""

    title: str
    instead: str
    severity: str = "note"
    ours: frozenset[str] = frozenset()


HEARD: Mapping[str, Heard] = {
    "ban-alter-database-options": Heard(
        "a setting of the whole database",
        "SET LOCAL in the revision that needs it; for every session, set it where the server is set up",
    ),
    "ban-alter-domain-with-add-constraint": Heard(
        "a constraint of a domain",
        "ALTER DOMAIN … ADD CONSTRAINT … NOT VALID here, VALIDATE CONSTRAINT in the next revision",
        ours=frozenset({"DM184"}),
    ),
    "ban-alter-role-options": Heard(
        "a setting of a role, which every database of the server shares",
        "ALTER ROLE … IN DATABASE … SET …, or do it where roles are made, outside of the history",
    ),
    "ban-alter-system-options": Heard(
        "a setting of the whole server",
        "change the parameter group or postgresql.conf, outside of the history",
        "review",
    ),
    "ban-char-field": Heard(
        "a type of fixed length",
        "sa.Text, with a CHECK on length() where the length matters",
        ours=frozenset({"DM183"}),
    ),
    "ban-create-domain-with-constraint": Heard(
        "a domain with a constraint",
        "the base type, and a CHECK on the table: it can be added NOT VALID and validated later",
    ),
    "ban-drop-database": Heard(
        "a database is dropped",
        "drop it by hand, after a backup; a revision changes the database that it is connected to",
        "review",
        frozenset({"DM185"}),
    ),
    "ban-duplicate-column-assignments": Heard(
        "a column is set twice", "one SET for each column; decide which of the two values is meant"
    ),
    "ban-uncommitted-transaction": Heard(
        "a transaction is never ended",
        "leave BEGIN out: each revision is a transaction already; what must run outside of one goes into "
        "op.get_context().autocommit_block()",
        "review",
        frozenset({"DM103"}),
    ),
    "identifier-too-long": Heard(
        "a name is cut to 63 bytes",
        "a name of at most 63 bytes, the same in the models",
        ours=frozenset({"DM188"}),
    ),
    "transaction-nesting": Heard(
        "a transaction inside of another",
        "leave BEGIN and COMMIT out: each revision is a transaction already; what must run outside of one "
        "goes into op.get_context().autocommit_block()",
        "review",
        frozenset({"DM103"}),
    ),
}


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
        if text.rule not in HEARD or _seen(findings, revision, text):
            continue
        rule = PREFIX + text.rule
        reason = dict(allows.get(revision, ())).get(rule)
        severity = HEARD[text.rule].severity
        more = Finding(rule, revision, severity, text.message, instead_of(text.rule), text.statement)
        found.append(replace(more, suppressed_because=reason))
    return found


def instead_of(rule: str) -> str:
    """What to do about one of squawk's rules."""
    known = HEARD.get(rule)
    return f"{known.instead if known else 'read why'} (squawkhq.com/docs/{rule})"


def unused(
    findings: Iterable[Finding], allows: Mapping[str, Sequence[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """(revision, rule) of suppressions of squawk's rules that meet nothing; for ours a rule looks itself."""
    used = {(finding.revision, finding.rule) for finding in findings}
    asked = [(revision, rule) for revision, given in allows.items() for rule, _ in given]
    return [each for each in dict.fromkeys(asked) if each[1].startswith(PREFIX) and each not in used]


def _seen(findings: Sequence[Finding], revision: str, text: TextFinding) -> bool:
    return any(
        finding.rule in HEARD[text.rule].ours
        and finding.revision == revision
        and finding.statement in (None, text.statement)
        for finding in findings
    )
