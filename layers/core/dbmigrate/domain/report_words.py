"""A finding in the words that every form of the report shares."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.findings import SEVERITIES, Finding
from dbmigrate.domain.plan import Impact
from dbmigrate.domain.words import UNSIZED, counted, span

SAID = {"block": "{} must not reach production", "review": "{} to review", "note": "{}"}


def verdict(findings: Iterable[Finding]) -> str:
    """pass, review or block: the gravest severity that counts. Notes pass."""
    severities = {finding.severity for finding in findings if finding.counts}
    return next((word for word in ("block", "review") if word in severities), "pass")


def headline(findings: Sequence[Finding]) -> str:
    """How many of each severity: ``1 finding must not reach production, 2 to review``."""
    counting = [finding.severity for finding in findings if finding.counts]
    parts = [_part(word, counting.count(word)) for word in reversed(SEVERITIES) if word in counting]
    passed = len(findings) - len(counting)
    if passed:
        parts.append(f"{passed} let pass with a reason")
    return ", ".join(parts) or "nothing found"


def _part(severity: str, count: int) -> str:
    words = {"block": counted(count, "finding"), "review": str(count), "note": counted(count, "note")}
    return SAID[severity].format(words[severity])


def in_order(findings: Iterable[Finding], revisions: Sequence[str]) -> list[Finding]:
    """By revision and statement; what is about no pending revision comes first."""
    places = {revision: place for place, revision in enumerate(revisions)}
    return sorted(findings, key=lambda found: (places.get(found.revision, -1), found.statement or 0))


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Those that count."""
    counting = [finding for finding in findings if finding.counts]
    return sorted(counting, key=lambda finding: -_gravity(finding))


def _gravity(finding: Finding) -> int:
    return SEVERITIES.index(finding.severity) if finding.severity in SEVERITIES else 0


def grouped(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Findings that differ only in the table that they are about, together."""
    groups: dict[object, list[Finding]] = {}
    for found in findings:
        alike = (found.rule, found.revision, found.statement, found.severity, found.instead)
        groups.setdefault(alike, []).append(found)
    return [tuple(group) for group in groups.values()]


def relations(group: Iterable[Finding]) -> str:
    """The table that they are about, or how many; "" where it is none."""
    names = list(dict.fromkeys(found.relation for found in group if found.relation))
    return counted(len(names), "table") if len(names) > 1 else "".join(names)


def waiting(group: Iterable[Finding]) -> str:
    """``inserts, updates and deletes, for 3 to 40 s``; "" where nobody waits."""
    said = (f"{found.blocks}, {how_long(found)}" for found in group if found.blocks)
    return "; ".join(dict.fromkeys(said))


def work(group: Iterable[Finding]) -> str:
    """``public.orders is rewritten and read in full``; "" where nothing is."""
    done: dict[str, None] = {}
    for found in group:
        words = [word for word, so in (("rewritten", found.rewrites), ("read in full", found.scans)) if so]
        if words and found.relation:
            done[f"{found.relation} is {' and '.join(words)}"] = None
    return "; ".join(done)


def rehearsed(evidence: Evidence) -> str:
    """What ran where: ``3 revisions on PostgreSQL 15, after 147 more: up, down and up again``."""
    before = len(evidence.base_revisions)
    after = f", after {before} more" if before else ""
    ran = f"{counted(len(evidence.order), 'revision')} on PostgreSQL {evidence.server_major}"
    return f"{ran}{after}: up, down and up again"


def how_long(what: Finding | Impact) -> str:
    """The predicted range, as the end of a sentence."""
    words = span(what.seconds_low, what.seconds_high)
    return "for an unknown time, as its size is not known" if words == UNSIZED else f"for {words}"


def is_code(instead: str) -> bool:
    """Whether the advice is a revision to be copied, and no sentence."""
    if "op." not in instead and "def " not in instead:
        return False
    try:
        ast.parse(instead)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
