"""Validate a history against a live database and make the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbmigrate.domain.catalog import Catalog, tables
from dbmigrate.domain.compatibility import deploy_order, phases
from dbmigrate.domain.drift import Drift, drift_between, told
from dbmigrate.domain.errors import BadRequest, DriftFound, EditedRevision, NotReversible, RunInProgress
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import Facts, facts_of
from dbmigrate.domain.findings import judge
from dbmigrate.domain.impact import losses, losses_of_undoing, predicted_seconds, seconds_of_undoing
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.standing import DIRECT, Standing, label
from dbmigrate.service.plan_steps import steps_down, steps_up
from dbmigrate.service.ports import History

BrokenQueries = Mapping[str, Sequence[tuple[str, str]]]


def check_history(history: History, standing: Standing) -> None:
    """One head, a known current revision, and no applied revision edited since.

    Raises HistoryRejected, UnknownRevision or EditedRevision.
    """
    _ = history.head
    applied = history.applied(standing.current)
    for revision, (digest, run) in standing.applied.items():
        if revision in applied and history.source_digest(revision) != digest:
            raise EditedRevision(
                f"Revision {revision} was applied by {run} and has been edited since; "
                "what it says is no longer what it did.",
                f"restore the file (git log -- '*{revision}*') and write a new revision: "
                'db-migrate create "…"',
            )


def find_drift(standing: Standing, evidence: Evidence | None) -> list[str]:
    """The differences between the live catalog and what it should be, as sentences; empty when there are none
    or nothing is known."""
    return told(drift_of(standing, evidence).changes)


def drift_of(standing: Standing, evidence: Evidence | None) -> Drift:
    """How the live catalog differs from what it should be.

    What the revisions make on scratch counts on a server of the same major version; what our own last run
    left there counts always. Being equal to one of them is enough.
    """
    drift = Drift()
    for expected in expected_catalogs(standing, evidence):
        drift = drift_between(expected, standing.catalog, standing.own_roles)
        if not drift.changes:
            break
    return drift


def expected_catalogs(standing: Standing, evidence: Evidence | None) -> list[Catalog]:
    """What is known of how the database should be at its revision; without any, no drift can be seen."""
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
            "undo the change by hand, then: db-migrate check (to keep the change, then write the revision "
            "that makes it: db-migrate create)",
        )


def refuse_second_run(standing: Standing, run: str) -> None:
    """Raise RunInProgress when another run holds the lease, or when this one had it and gave it back: Step
    Functions forgets a name after 90 days. A direct run may have died: only the migrators' lock, which
    Database.move takes, knows."""
    if any(known["run"] == run and known["ended_at"] for known in standing.runs):
        raise RunInProgress(
            f"A run named {run} has ended before, so this one could move nothing.",
            "start it again, under the next name: db-migrate deploy",
        )
    holder = standing.open_run
    if holder and holder["run"] != run and holder["bundle"] != DIRECT:
        raise RunInProgress(
            f"Run {holder['run']} has held this database since {holder['started_at']}.",
            "wait for its end (db-migrate status); if it died without giving the lease back: "
            f"db-migrate runs --close {holder['run']}",
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
    broken_queries: BrokenQueries | None = None,
    terminate_blockers: bool = False,
) -> Plan:
    """The plan from where the database stands to the head, or back to before the run ``rollback_of``.
    ``broken_queries`` are those of the application that a revision breaks, as in facts.Facts.

    Raises BadRequest or NotReversible for a run that cannot be undone.
    """
    if rollback_of:
        revisions = _way_back(history, standing, rollback_of)
        end = _heads(history, history.applied(standing.current) - {*revisions})
        direction, lost, findings = "downgrade", losses_of_undoing(evidence, revisions), []
        steps, order = tuple(steps_down(evidence, revisions)), ""
        undone = [evidence.revisions[revision] for revision in revisions]
        seconds = seconds_of_undoing(undone, standing.sizes, standing.model)
    else:
        revisions, end = history.pending(standing.current), history.head
        direction, lost = "upgrade", losses(evidence, standing.current, revisions)
        facts = _facts(evidence, standing, revisions, broken_queries)
        found = phases(evidence, standing.current, revisions)
        findings, steps = judge(RULES.values(), facts), tuple(steps_up(facts, found))
        order = deploy_order(found).text if found else ""
        seconds = predicted_seconds(facts)
    return Plan(
        bundle=bundle,
        environment=environment,
        direction=direction,
        start=label(standing.current),
        end=end,
        steps=steps,
        findings=tuple(finding.to_json() for finding in findings),
        losses=tuple(lost),
        predicted_seconds=seconds,
        requested_by=requested_by,
        rollback_of=rollback_of,
        deploy_order=order,
        terminate_blockers=terminate_blockers,
    )


def _way_back(history: History, standing: Standing, run: str) -> list[str]:
    """What the run applied and what still stands, newest first.

    Raises BadRequest for a run that the ledger does not know, NotReversible when something stands on top.
    """
    if run not in {known["run"] for known in standing.runs}:
        raise BadRequest(f"There is no run {run} in this database's ledger.", "look which: db-migrate runs")
    applied = history.applied(standing.current)
    ledger = [revision for revision in standing.applied if revision in applied]
    ours = {revision for revision in standing.applied_by(run) if revision in applied}
    newer = ledger[min((ledger.index(revision) for revision in ours), default=len(ledger)) :]
    above = [revision for revision in history.order if ours & history.applied([revision]) & applied]
    on_top = [revision for revision in (*newer, *above) if revision in applied - ours]
    if on_top:
        raise NotReversible(
            f"Run {run} cannot be undone alone: {on_top[0]} was applied after it.",
            "undo the newer run first: db-migrate runs",
        )
    return [revision for revision in reversed(history.order) if revision in ours]


def _heads(history: History, revisions: set[str]) -> str:
    """Those of the revisions below no other of them."""
    below = {down for revision in revisions for down in history.applied([revision]) - {revision}}
    return label(sorted(revisions - below))


def _facts(
    evidence: Evidence, standing: Standing, revisions: Sequence[str], broken: BrokenQueries | None
) -> list[Facts]:
    facts = facts_of(
        evidence,
        standing.current,
        revisions,
        tables(standing.catalog),
        standing.sizes,
        standing.server_major,
        standing.time_zone,
        broken,
        standing.model,
        standing.free_bytes,
    )
    return list(facts)
