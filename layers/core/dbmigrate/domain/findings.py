"""What validation says about a plan. A rule is a record with one pure check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dbmigrate.domain.effects import BLOCKS, Effects
from dbmigrate.domain.errors import FindingsBlock
from dbmigrate.domain.facts import Facts
from dbmigrate.domain.prediction import Estimate

SEVERITIES = ("note", "review", "block")


@dataclass(frozen=True)
class Hit:
    """What a rule says. ``statement`` counts from 1; ``lock`` is the mode that hurts; ``instead`` is the
    revision that should stand there, when the rule can write it out."""

    severity: str
    message: str
    statement: int | None = None
    relation: str | None = None
    lock: str | None = None
    instead: str | None = None


Check = Callable[[Facts], Iterable[Hit]]


@dataclass(frozen=True)
class Finding:
    """One hazard: where, what it does to which table, who waits for how long, and what to write instead.

    ``seconds_low`` and ``seconds_high`` say how long ``lock`` on ``relation`` is held, or the statement runs
    where no lock hurts; None where nobody can tell. ``suppressed_because`` is the reason that the revision
    itself gives; such a finding is listed and counts no more.
    """

    rule: str
    revision: str
    severity: str
    message: str
    instead: str
    statement: int | None = None
    relation: str | None = None
    lock: str | None = None
    blocks: str | None = None
    rewrites: bool = False
    scans: bool = False
    seconds_low: float | None = None
    seconds_high: float | None = None
    suppressed_because: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Finding:
        return cls(**values)

    @property
    def counts(self) -> bool:
        """Whether nobody has given a reason to let it pass."""
        return self.suppressed_because is None


@dataclass(frozen=True)
class Rule:
    """One hazard that revisions can commit. ``hurts`` says why it matters, ``instead`` in a line what to
    write; the check's docstring says what it sees. ``once`` is for what is true of the whole plan: only the
    first revision tells it."""

    id: str
    title: str
    hurts: str
    instead: str
    check: Check
    once: bool = False


def judge(rules: Iterable[Rule], facts: Iterable[Facts]) -> list[Finding]:
    """All findings of all rules, in the order of the revisions and their statements."""
    rules, found = list(rules), list[Finding]()
    for fact in facts:
        hits = sorted(_hits(rules, fact), key=lambda told: told[1].statement or 0)
        found += [_finding(rule, fact, hit) for rule, hit in hits]
        told = {finding.rule for finding in found}
        rules = [rule for rule in rules if not (rule.once and rule.id in told)]
    return found


def _hits(rules: Iterable[Rule], fact: Facts) -> Iterator[tuple[Rule, Hit]]:
    for rule in rules:
        for hit in rule.check(fact):
            yield rule, hit


def _finding(rule: Rule, facts: Facts, hit: Hit) -> Finding:
    reasons = dict(facts.evidence.allows)
    statements, estimates = facts.evidence.statements, facts.estimates
    at = None if hit.statement is None else hit.statement - 1
    effects = statements[at] if at is not None and at < len(statements) else None
    estimate = estimates[at] if at is not None and at < len(estimates) else None
    low, high = _seconds(facts, hit, estimate)
    return Finding(
        rule=rule.id,
        revision=facts.evidence.revision,
        severity=hit.severity,
        message=hit.message,
        instead=hit.instead or rule.instead,
        statement=hit.statement,
        relation=hit.relation,
        lock=hit.lock,
        blocks=BLOCKS.get(hit.lock or ""),
        rewrites=_names(effects, hit.relation, "rewrites"),
        scans=_names(effects, hit.relation, "scans"),
        seconds_low=low,
        seconds_high=high,
        suppressed_because=reasons.get(rule.id),
    )


def _names(effects: Effects | None, relation: str | None, what: str) -> bool:
    return effects is not None and relation in getattr(effects, what)


def _seconds(facts: Facts, hit: Hit, estimate: Estimate | None) -> tuple[float | None, float | None]:
    if estimate is None or hit.statement is None:
        return None, None
    for wait in estimate.waits:
        if wait.relation == hit.relation and wait.mode == hit.lock:
            return wait.seconds_low, wait.seconds_high
    held = facts.seconds(hit.statement, hit.relation) if hit.lock and hit.relation else None
    return held or (estimate.seconds_low, estimate.seconds_high)


def blocking(findings: Iterable[Finding]) -> list[Finding]:
    """Those that staging and production refuse."""
    return [finding for finding in findings if finding.severity == "block" and finding.counts]


def refuse_blocking(findings: Iterable[Finding], environment: str) -> None:
    """Raise FindingsBlock when one finding has severity block and the environment is not development."""
    found = blocking(findings)
    if not found or environment == "development":
        return
    lines = [f"{f.rule} {f.revision}: {f.message}\n  Write instead: {f.instead}" for f in found]
    raise FindingsBlock(
        f"{environment} refuses this plan:\n" + "\n".join(lines),
        "change the revision, then: db-migrate validate",
    )
