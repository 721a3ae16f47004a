"""The report of a validation: the plan's findings with those of git and squawk, each at its place."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dbmigrate.adapters.history import History
from dbmigrate.domain.catalog import changes_between
from dbmigrate.domain.changelog import changelog, renames_of
from dbmigrate.domain.compatibility import phases
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.findings import Finding
from dbmigrate.domain.places import line_of_function, line_of_statement
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.report import Place, Report
from dbmigrate.domain.report_words import in_order
from dbmigrate_cli.merge_base import repository_root
from dbmigrate_cli.pending import Start
from dbmigrate_cli.text_lint import add_text_findings

IN_DOWNGRADE = {"DM102"}
IN_DOCSTRING = {"DM105"}


def judge_plan(plan: Plan, evidence: Evidence, history: History, start: Start, sized: str) -> Report:
    """The whole report."""
    ours = [Finding.from_json(finding) for finding in plan.findings]
    ours += start.base.rewritten(history) if start.base else []
    findings, note = add_text_findings(ours, evidence, plan.revisions)
    begin = evidence.catalog_at(start.revisions)
    did = [effects for each in plan.revisions for effects in evidence.revisions[each].statements]
    end = evidence.catalog_at((*start.revisions, *plan.revisions))
    return Report(
        plan=plan,
        evidence=evidence,
        found=dict(_places(in_order(findings, plan.revisions), evidence, history, start)),
        judged=start.judged,
        sized=sized,
        phases=phases(evidence, start.revisions, plan.revisions),
        diff=tuple(changelog(begin, changes_between(begin, end), renames_of(did))),
        notes=(note,) if note else (),
    )


def _places(
    findings: Iterable[Finding], evidence: Evidence, history: History, start: Start
) -> Iterator[tuple[Finding, Place]]:
    root = repository_root(history.folder)
    for finding in findings:
        path = history.paths.get(finding.revision)
        if path is None:
            yield finding, Place(start.base.files.get(finding.revision, "") if start.base else "", 1)
        else:
            yield finding, Place(shown(path, root), _line(finding, path, evidence))


def shown(path: Path, root: Path) -> str:
    """The path from the root, with slashes."""
    return Path(os.path.relpath(path, root)).as_posix()


def _line(finding: Finding, path: Path, evidence: Evidence) -> int:
    source = path.read_text(encoding="utf-8", errors="replace")
    if finding.rule in IN_DOCSTRING:
        return 1
    if finding.rule in IN_DOWNGRADE:
        return line_of_function(source, "downgrade")
    seen = evidence.revisions.get(finding.revision)
    return line_of_statement(source, seen.sql if seen else (), finding.statement)
