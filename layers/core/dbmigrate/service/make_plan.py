"""Validate a history against a live database and make the plan."""

from __future__ import annotations

from collections.abc import Sequence

from dbmigrate.domain.catalog import Catalog, describe_changes, describe_drift, tables
from dbmigrate.domain.errors import DriftFound, EditedRevision, NotReversible, RunInProgress
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.findings import Facts, Finding, judge
from dbmigrate.domain.impact import losses, predicted_seconds
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.standing import Standing, label
from dbmigrate.service.ports import History


def check_history(history: History, standing: Standing) -> None:
    """One head, a known current revision, and no applied revision edited since.

    Raises HistoryRejected, UnknownRevision or EditedRevision.
    """
    _ = history.head
    history.applied(standing.current)
    for revision, (was, run) in standing.applied.items():
        if history.source_digest(revision) not in (None, was):
            raise EditedRevision(
                f"Revision {revision} was applied by {run} and has been edited since; what it says is no longer what it did.",
                f"restore the file (git log -- '*{revision}*') and write a new revision: db-migrate create \"…\"",
            )


def find_drift(standing: Standing, evidence: Evidence | None) -> list[str]:
    """The differences between the live catalog and what it should be; empty when there are none or nothing is
    known.

    What the revisions make on scratch counts on a server of the same major version; what our own last run
    left there counts always. Being equal to one of them is enough.
    """
    differences: list[str] = []
    for expected in _expected(standing, evidence):
        differences = describe_drift(expected, standing.catalog)
        if not differences:
            return []
    return differences


def _expected(standing: Standing, evidence: Evidence | None) -> list[Catalog]:
    found = []
    if standing.kept and standing.kept[0] == label(standing.current):
        found.append(standing.kept[1])
    if evidence and evidence.server_major == standing.server_major:
        found.append(evidence.catalog_at(standing.current))
    return found


def refuse_drift(standing: Standing, evidence: Evidence | None) -> None:
    """Raise DriftFound, with every difference named, when the database is not what its revisions make of
    it."""
    differences = find_drift(standing, evidence)
    if differences:
        raise DriftFound(
            f"The database has drifted from revision {label(standing.current)}:",
            differences,
            "undo the change by hand, or write the revision that makes it (db-migrate create), then: db-migrate check",
        )


def refuse_second_run(standing: Standing, run: str) -> None:
    """Raise RunInProgress when another run holds the lease."""
    if standing.open_run and standing.open_run["run"] != run:
        raise RunInProgress(
            f"Run {standing.open_run['run']} has held this database since {standing.open_run['started_at']}.",
            "wait for its end: db-migrate status",
        )


def make_plan(
    *,
    environment: str,
    bundle: str,
    history: History,
    evidence: Evidence,
    standing: Standing,
    requested_by: str,
    rollback_of: str | None = None,
) -> Plan:
    """The plan from where the database stands to the head, or back to before the run ``rollback_of``."""
    direction = "downgrade" if rollback_of else "upgrade"
    revisions = (
        _way_back(history, standing, rollback_of) if rollback_of else history.pending(standing.current)
    )
    return Plan(
        bundle=bundle,
        environment=environment,
        direction=direction,
        start=label(standing.current),
        end=_end(history, standing, revisions) if rollback_of else history.head,
        steps=tuple(_step(evidence, revision, direction) for revision in revisions),
        findings=tuple(finding.to_json() for finding in _findings(evidence, standing, revisions, direction)),
        losses=tuple(losses(evidence, standing.current, revisions)) if direction == "upgrade" else (),
        predicted_seconds=predicted_seconds([evidence.revisions[r] for r in revisions], standing.table_bytes),
        requested_by=requested_by,
        rollback_of=rollback_of,
    )


def _way_back(history: History, standing: Standing, run: str) -> list[str]:
    """What the run applied, newest first. Raises NotReversible when something newer stands on top of it."""
    revisions = standing.applied_by(run)
    on_top = [revision for revision in reversed(list(standing.applied)) if revision not in revisions]
    newest = list(reversed(list(standing.applied)))[: len(revisions)]
    if newest != revisions:
        raise NotReversible(
            f"Run {run} cannot be undone alone: {on_top[0]} was applied after it.",
            "undo the newer run first: db-migrate runs",
        )
    return revisions


def _end(history: History, standing: Standing, undone: Sequence[str]) -> str:
    """The heads of what is left when these revisions are gone."""
    left = history.applied(standing.current) - set(undone)
    below = {down for revision in left for down in history.applied([revision]) - {revision}}
    return label(sorted(left - below))


def _step(evidence: Evidence, revision: str, direction: str) -> Step:
    seen = evidence.revisions[revision]
    before = evidence.catalog_at(seen.down)
    return Step(
        revision=revision,
        doc=seen.doc,
        sql=seen.sql if direction == "upgrade" else (),
        changes=tuple(describe_changes(before, seen.changes)) if direction == "upgrade" else (),
        autocommit=seen.autocommit,
        round_trip=seen.round_trip,
    )


def _findings(
    evidence: Evidence, standing: Standing, revisions: Sequence[str], direction: str
) -> list[Finding]:
    if direction == "downgrade":
        return []
    existing = frozenset(tables(standing.catalog))
    facts = [Facts(evidence.revisions[revision], existing, standing.table_bytes) for revision in revisions]
    return judge(RULES.values(), facts)
