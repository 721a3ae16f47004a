"""Validate: is this bundle what it says, does it fit this database, and what would it do?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.bundle import check_digest_form
from dbmigrate.domain.errors import BadRequest, NotReversible, NotYetProven
from dbmigrate.domain.findings import Finding, refuse_blocking
from dbmigrate.domain.plan import Plan
from dbmigrate.domain.policy import Policy
from dbmigrate.domain.standing import Standing
from dbmigrate.service.checks import (
    check_history,
    refuse_drift,
    refuse_second_run,
    refuse_to_leave_half,
)
from dbmigrate.service.make_plan import make_plan
from dbmigrate.service.ports import Bundles, Database, OpenBundle

START = 'db-migrate deploy (or an input like {"bundle": "sha256:…", "requested_by": "you@example.com"})'


def validate(
    run: str, request: Any, policy: Policy, bundles: Bundles, database: Database, open_bundle: OpenBundle
) -> dict[str, Any]:
    """Make the plan, keep it whole in the bucket and return what travels with the run. Changes nothing in the
    database.

    Raises the Refused and Misconfigured errors of dbmigrate.domain.errors, NotReversible and
    RevisionHalfApplied.
    """
    asked = read_request(request)
    history, evidence = open_bundle(asked["bundle"])
    standing = database.look()
    refuse_second_run(standing, run)
    check_history(history, standing)
    _ = history.smoke_queries()
    refuse_drift(standing, evidence)
    plan = make_plan(
        environment=policy.environment,
        bundle=asked["bundle"],
        history=history,
        evidence=evidence,
        standing=standing,
        requested_by=asked["requested_by"],
        rollback_of=asked["rollback_of"],
        rollback_to=asked["rollback_to"],
        accept_loss=asked["accept_loss"],
        held=database.held,
        terminate_blockers=asked["terminate_blockers"],
    )
    if plan.steps:
        moved = [step.revision for step in plan.steps]
        refuse_to_leave_half(standing.unfinished, moved, standing.current, history)
        _refuse_unproven(plan, policy, bundles)
        _refuse_losses(plan, standing, policy)
        refuse_blocking([Finding.from_json(finding) for finding in plan.findings], policy.environment)
        policy.check_force(asked["force"], asked["reason"])
        policy.check_termination(asked["terminate_blockers"], asked["force"])
    bundles.put_plan(plan.digest, plan.to_json())
    return plan.slim()


def read_request(request: Any) -> dict[str, Any]:
    """The execution's input with every field present. Raises BadRequest or BundleRejected.

    Nothing in it weakens the policy: what is not read here does not exist.
    """
    if not isinstance(request, Mapping):
        raise BadRequest(f"The execution's input is no JSON object but {type(request).__name__}.", START)
    for key in ("requested_by", "reason", "rollback_of", "rollback_to"):
        if not isinstance(request.get(key), str | None):
            raise BadRequest(f"'{key}' in the execution's input is no text.", START)
    if request.get("rollback_of") and request.get("rollback_to"):
        raise BadRequest("'rollback_of' and 'rollback_to' exclude each other.", START)
    return {
        "bundle": check_digest_form(request.get("bundle")),
        "requested_by": request.get("requested_by") or "unknown",
        "force": request.get("force") is True,
        "reason": request.get("reason"),
        "rollback_of": request.get("rollback_of"),
        "rollback_to": request.get("rollback_to"),
        "accept_loss": request.get("accept_loss") is True,
        "terminate_blockers": request.get("terminate_blockers") is True,
    }


def _refuse_losses(plan: Plan, standing: Standing, policy: Policy) -> None:
    """Only whoever says so drops what people have written since; a restore may lose less."""
    if plan.direction != "downgrade" or not plan.losses or plan.accept_loss:
        return
    undone = {standing.applied[revision][1] for revision in plan.revisions if revision in standing.applied}
    oldest = next((run["run"] for run in reversed(standing.runs) if run["run"] in undone), plan.rollback_of)
    command = f"db-migrate --environment {policy.environment}"
    which = f"--run {plan.rollback_of}" if plan.rollback_of else f"--to {plan.end}"
    raise NotReversible(
        "This way back loses data:\n" + "\n".join(f"  {loss}" for loss in plan.losses[:20]),
        f"restore the backup beside it, which shows what that would cost: {command} recover --before-run "
        f"{oldest}; or accept the loss: {command} rollback {which} --accept-loss",
    )


def _refuse_unproven(plan: Plan, policy: Policy, bundles: Bundles) -> None:
    before = policy.preceded_by
    if before and plan.direction == "upgrade" and not bundles.has_succeeded(before, plan.bundle):
        raise NotYetProven(
            f"{policy.environment} takes only a bundle that succeeded in {before}; {plan.bundle} has not.",
            f"db-migrate --environment {before} deploy",
        )
