"""What validation says about a plan. A rule is a record with one pure check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from dbmigrate.domain.errors import FindingsBlock
from dbmigrate.domain.evidence import RevisionEvidence

SEVERITIES = ("note", "review", "block")
Check = Callable[["Facts"], Iterable[tuple[str, str]]]


@dataclass(frozen=True)
class Facts:
    """What a rule may look at: one revision's evidence, the tables that exist today (before the whole plan)
    and their live sizes in bytes."""

    evidence: RevisionEvidence
    existing_tables: frozenset[str]
    table_bytes: Mapping[str, int]

    def size(self, table: str) -> int | None:
        """Bytes of the live table; None when unknown."""
        return self.table_bytes.get(table)


@dataclass(frozen=True)
class Finding:
    """One sentence about one revision: where, what waits, what to write instead."""

    rule: str
    revision: str
    severity: str
    message: str
    instead: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """``check`` yields (severity, message) pairs for one revision."""

    id: str
    title: str
    instead: str
    check: Check


def judge(rules: Iterable[Rule], facts: Iterable[Facts]) -> list[Finding]:
    """All findings of all rules, in the order of the revisions."""
    rules = list(rules)
    return [
        Finding(rule.id, fact.evidence.revision, severity, message, rule.instead)
        for fact in facts
        for rule in rules
        for severity, message in rule.check(fact)
    ]


def refuse_blocking(findings: Iterable[Finding], environment: str) -> None:
    """Raise FindingsBlock when one finding has severity block and the environment is not development."""
    blocking = [finding for finding in findings if finding.severity == "block"]
    if not blocking or environment == "development":
        return
    lines = [f"{f.rule} {f.revision}: {f.message}\n  Write instead: {f.instead}" for f in blocking]
    raise FindingsBlock(
        f"{environment} refuses this plan:\n" + "\n".join(lines),
        "change the revision, then: db-migrate validate",
    )
