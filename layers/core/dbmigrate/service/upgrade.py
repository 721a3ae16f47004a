"""Upgrade: run the next revision of the approved plan, one an invocation, whichever direction the plan
has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from dbmigrate.domain.errors import PlanOutdated, WorkContinues
from dbmigrate.domain.plan import check_approved, check_unchanged
from dbmigrate.domain.policy import Policy
from dbmigrate.domain.standing import from_label, label
from dbmigrate.service.ports import Bundles, Database, History, OpenBundle
from dbmigrate.service.preflight import may_end_sessions, preflight


def upgrade(
    run: str,
    plan: Mapping[str, Any],
    approval: Mapping[str, Any],
    force: Mapping[str, Any],
    policy: Policy,
    bundles: Bundles,
    database: Database,
    open_bundle: OpenBundle,
) -> dict[str, Any]:
    """Run one step and say how far the plan is: status applied or done; or working, when the same call goes
    on with the same revision after ``wait`` seconds.

    Raises PlanOutdated when this plan was not approved or the database is not where the plan expects it,
    LockNotFree, LockNotFreeMidway, BlockersFound, RevisionFailed, RevisionHalfApplied, RunStopped or
    RunInProgress.
    """
    forced = force.get("asked") is True and force.get("allowed") is True
    forced = forced and policy.lets_force(force.get("reason"))
    check_approved(plan, approval, policy.approval == "required", forced)
    check_unchanged(plan, bundles.get_plan(plan["digest"]))
    history, evidence = open_bundle(plan["bundle"])
    todo = remaining(plan, run, history, database)
    if not todo:
        return progress(plan, [], None)
    facts = {
        "bundle": plan["bundle"],
        "plan": plan["digest"],
        "direction": plan["direction"],
        "requested_by": plan["requested_by"],
        "approved_by": approval.get("by"),
        "reason": force.get("reason"),
    }
    ending = partial(database.end_sessions, run, facts) if may_end_sessions(plan, approval, policy) else None
    seen = preflight(evidence, todo[0], plan["direction"], policy, database, ending)
    return run_one_step(plan, todo, run, facts, database, history, plan["direction"]) | seen


def run_one_step(
    plan: Mapping[str, Any],
    todo: Sequence[str],
    run: str,
    facts: Mapping[str, str | None],
    database: Database,
    history: History,
    direction: str,
) -> dict[str, Any]:
    """Move by the first revision of ``todo``; what is true is asked again under the migrators' lock."""
    ran: list[tuple[str, float, int]] = []

    def unchanged(current: tuple[str, ...]) -> None:
        done = {*plan["pending"]} - {*todo} if direction == plan["direction"] else {*todo}
        _refuse_elsewhere(plan, history, current, done)

    try:
        database.move(history, todo[:1], direction, run, facts, lambda *facts: ran.append(facts), unchanged)
    except WorkContinues as work:
        answer = {**progress(plan, todo, None), "status": "working", "revision": todo[0]}
        return {**answer, "wait": work.wait, "work": work.progress.to_json()}
    return progress(plan, todo[1:], ran[0])


def remaining(plan: Mapping[str, Any], run: str, history: History, database: Database) -> list[str]:
    """The plan's revisions that this run has still to move.

    Raises PlanOutdated when the database is not where this run alone would have brought it: a revision of the
    plan that somebody else moved was not moved under this approval.
    """
    current, moved = database.way_of(run)
    done = {revision for revision in plan["pending"] if moved.get(revision) == plan["direction"]}
    _refuse_elsewhere(plan, history, current, done)
    return [revision for revision in plan["pending"] if revision not in done]


def _refuse_elsewhere(
    plan: Mapping[str, Any], history: History, current: tuple[str, ...], done: set[str]
) -> None:
    start = history.applied(from_label(plan["from"]))
    expected = start | done if plan["direction"] == "upgrade" else start - done
    if history.applied(current) != expected:
        raise PlanOutdated(
            f"The plan goes from {plan['from']} to {plan['to']}, "
            f"but the database stands at {label(current)}.",
            "start the run again: db-migrate deploy",
        )


def progress(
    plan: Mapping[str, Any], left: Sequence[str], ran: tuple[str, float, int] | None
) -> dict[str, Any]:
    """The answer that the state machine loops on. ``ran`` is revision, seconds and lock waits."""
    revision, seconds, waits = ran or (None, 0.0, 0)
    return {
        "status": "applied" if left else "done",
        "revision": revision,
        "seconds": round(seconds, 3),
        "lock_waits": waits,
        "completed": len(plan["pending"]) - len(left),
        "total": len(plan["pending"]),
    }
