"""Validate a history against a live database and make the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dbmigrate.domain.catalog import tables
from dbmigrate.domain.compatibility import deploy_order, phases
from dbmigrate.domain.errors import BadRequest, NotReversible
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.facts import Facts, facts_of
from dbmigrate.domain.findings import judge
from dbmigrate.domain.impact import (
    Held,
    losses,
    losses_of_undoing,
    nobody_counts,
    predicted_bytes,
    predicted_seconds,
    seconds_of_undoing,
)
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.rules import RULES
from dbmigrate.domain.standing import Standing, label
from dbmigrate.service.plan_steps import steps_down, steps_up
from dbmigrate.service.ports import History

BASE = "base"
BrokenQueries = Mapping[str, Sequence[tuple[str, str]]]


def make_plan(
    *,
    environment: str,
    bundle: str,
    history: History,
    evidence: Evidence,
    standing: Standing,
    requested_by: str,
    rollback_of: str | None = None,
    rollback_to: str | None = None,
    accept_loss: bool = False,
    held: Held = nobody_counts,
    broken_queries: BrokenQueries | None = None,
    terminate_blockers: bool = False,
) -> Plan:
    """The plan from where the database stands to the head; or back, to before the run ``rollback_of`` or to
    the revision ``rollback_to``. ``broken_queries`` are those of the application that a revision breaks, as
    in facts.Facts; ``held`` counts what a way back would drop.

    Raises BadRequest or NotReversible for what cannot be undone.
    """
    if rollback_of or rollback_to:
        revisions = (
            _way_back(history, standing, rollback_of)
            if rollback_of
            else _all_above(history, standing, str(rollback_to))
        )
        end = _heads(history, history.applied(standing.current) - {*revisions})
        direction, lost, findings = "downgrade", losses_of_undoing(evidence, revisions, held), []
        steps, order = tuple(steps_down(evidence, revisions)), ""
        undone = [evidence.revisions[revision] for revision in revisions]
        seconds, storage = seconds_of_undoing(undone, standing.sizes, standing.model), (0, 0)
    else:
        revisions, end = history.pending(standing.current), history.head
        direction, lost = "upgrade", losses(evidence, standing.current, revisions)
        facts = _facts(evidence, standing, revisions, broken_queries)
        found = phases(evidence, standing.current, revisions)
        findings, steps = judge(RULES.values(), facts), tuple(steps_up(facts, found))
        order = deploy_order(found).text if found else ""
        seconds, storage = predicted_seconds(facts), predicted_bytes(facts)
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
        accept_loss=accept_loss,
        predicted_bytes=storage[0],
        largest_bytes=storage[1],
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


def _all_above(history: History, standing: Standing, revision: str) -> list[str]:
    """What is applied and neither this revision nor below it, newest first, whichever runs applied it.

    Raises BadRequest for a revision at which the database cannot be brought to stand.
    """
    applied = history.applied(standing.current)
    if revision != BASE and revision not in applied:
        known = "is not applied here" if revision in history.order else "is not in this history"
        raise BadRequest(
            f"Revision {revision} {known}; the database stands at {label(standing.current)}.",
            "look which: db-migrate runs",
        )
    kept = history.applied([revision]) if revision != BASE else set()
    return [each for each in reversed(history.order) if each in applied - kept]


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
