"""The report for programs: one JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from dbmigrate.domain.catalog import fingerprint
from dbmigrate.domain.changelog import to_json
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.plan import Step
from dbmigrate.domain.report import Report


def report_json(report: Report) -> dict[str, Any]:
    """Its values; docs/guide.md names every key."""
    plan, evidence = report.plan, report.evidence
    return {
        "verdict": report.verdict,
        "environment": plan.environment,
        "bundle": plan.bundle or None,
        "from": plan.start,
        "to": plan.end,
        "judged": report.judged,
        "sizes": report.sized,
        "rehearsed": len(evidence.order),
        "server_major": evidence.server_major,
        "reversible": plan.reversible,
        "losses": list(plan.losses),
        "predicted_seconds": plan.predicted_seconds,
        "deploy_order": plan.deploy_order,
        "findings": [finding.to_json() for finding in report.findings],
        "revisions": [_revision(report, step) for step in plan.steps],
        "diff": to_json(report.diff),
        "notes": list(report.notes),
    }


def _revision(report: Report, step: Step) -> dict[str, Any]:
    seen = report.evidence.revisions[step.revision]
    phase = report.phases.get(step.revision)
    return {
        "revision": step.revision,
        "doc": step.doc,
        "file": seen.file,
        "phase": step.phase,
        "breaks_old": list(phase.breaks_old) if phase else [],
        "breaks_new": list(phase.breaks_new) if phase else [],
        "split": phase.split if phase else None,
        "statements": [asdict(statement) for statement in seen.statements],
        "impact": [asdict(impact) for impact in step.impact],
        "sql": list(step.sql),
        "changes": list(step.changes),
        "autocommit": step.autocommit,
        "reversible": seen.round_trip,
        "why_not_reversible": seen.round_trip_error,
        "lossless": seen.lossless,
        "row_losses": [
            {"table": table, "column": column, "rows": rows} for table, column, rows in seen.row_losses
        ],
        "unseeded": list(seen.unseeded),
        "fingerprint_before": fingerprint_before(report.evidence, step.revision),
        "fingerprint_after": seen.fingerprint,
    }


def fingerprint_before(evidence: Evidence, revision: str) -> str:
    """That of the catalog which the rehearsal had just before this revision."""
    place = evidence.order.index(revision)
    if place:
        return evidence.revisions[evidence.order[place - 1]].fingerprint
    return fingerprint(evidence.base)
