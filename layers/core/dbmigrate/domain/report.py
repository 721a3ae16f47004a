"""What a validation found, before anybody writes it as text, Markdown, JSON or SARIF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dbmigrate.domain.changelog import ObjectChange
from dbmigrate.domain.compatibility import Phase
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.report_words import gravest_first, verdict


@dataclass(frozen=True)
class Place:
    """Where a finding is: a file, as one finds it from the repository's top, and its line."""

    path: str
    line: int


@dataclass(frozen=True)
class Report:
    """Everything that validation says. ``judged`` tells what the pending revisions are compared with,
    ``sized`` whose sizes make a finding severe, ``notes`` what could not be looked at."""

    plan: Plan
    evidence: Evidence
    found: Mapping[Finding, Place]
    judged: str
    sized: str
    phases: Mapping[str, Phase] = field(default_factory=dict)
    diff: tuple[ObjectChange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        return list(self.found)

    @property
    def verdict(self) -> str:
        return verdict(self.found)

    @property
    def counting(self) -> list[Finding]:
        """What nobody lets pass, the gravest first."""
        return gravest_first(self.found)

    @property
    def let_pass(self) -> list[Finding]:
        """What the revisions themselves let pass, with a reason."""
        return [finding for finding in self.found if not finding.counts]
