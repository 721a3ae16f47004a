"""Inspect: what is true in the database? Asked by the state machine after a lost answer, by people, and on a
schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.changelog import to_json, to_lines
from dbmigrate.domain.drift import told
from dbmigrate.domain.errors import PlanOutdated, UnknownRevision
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import label
from dbmigrate.domain.unfinished import explained
from dbmigrate.service.checks import drift_of, expected_catalogs
from dbmigrate.service.ports import Database, History, OpenBundle
from dbmigrate.service.upgrade import progress, remaining

MOST_SAID, MOST_LINES = 500, 20
"""Of what is unfinished, in the state of a run."""


def ask_the_database(
    run: str, plan: Mapping[str, Any], phase: str, database: Database, open_bundle: OpenBundle
) -> dict[str, Any]:
    """How far the plan really is: status continue or done, or failed when the database is nowhere on the
    plan's way. ``unfinished`` says what a revision that was cut has done so far, a sentence each."""
    history, _ = open_bundle(plan["bundle"])
    try:
        todo = remaining(plan, run, history, database)
    except (PlanOutdated, UnknownRevision) as error:
        return {**progress(plan, plan["pending"], None), "status": "failed", "reason": error.message}
    left = todo if phase == "upgrade" else [revision for revision in plan["pending"] if revision not in todo]
    half = [line.told()[:MOST_SAID] for line in database.unfinished()][:MOST_LINES]
    answer = {**progress(plan, left, None), "unfinished": half}
    return {**answer, "status": "continue" if left else "done"}


def status(
    environment: str, database: Database, history: History | None, evidence: Evidence | None = None
) -> dict[str, Any]:
    """The status report. Without a history it tells what the database and its ledger say."""
    standing = database.look()
    drift = drift_of(standing, evidence)
    # What a revision under way has done so far is told as unfinished, and refuses no rerun.
    half = [change for change in drift.changes if explained(change, standing.unfinished)]
    changes = [change for change in drift.changes if change not in half]
    differences = told(changes)
    applied = len(history.applied(standing.current)) if history else len(standing.applied)
    report: dict[str, Any] = {
        "environment": environment,
        "current": label(standing.current),
        "head": history.head if history else None,
        "pending": history.pending(standing.current) if history else [],
        "applied": applied,
        "compared": bool(expected_catalogs(standing, evidence)) or not (standing.current or standing.runs),
        "drift": bool(differences),
        "drift_differences": differences,
        "drift_changes": to_json(changes),
        "drift_notes": to_lines(drift.notes),
        "invalid_indexes": list(standing.invalid_indexes),
        "unfinished": [line.to_json() for line in standing.unfinished],
        "unfinished_differences": told(half),
        "running": [_short(run) for run in standing.runs if run["ended_at"] is None],
        "last_run": next((_short(run) for run in standing.runs if run["ended_at"] is not None), None),
        "server": standing.server,
        "fence": dict(standing.fence) if standing.fence else None,
    }
    if history is None:
        report["applied_revisions"] = {name: digest for name, (digest, _) in standing.applied.items()}
    return report


def _short(run: Mapping[str, Any]) -> dict[str, Any]:
    later = ("wish", "wished_by", "wished_at", "restore_point", "wal")
    return {
        **{key: run[key] for key in ("run", "started_at", "ended_at", "outcome", "revisions", "detail")},
        **{key: run.get(key) for key in later},
    }
