"""Roll back: undo, one revision an invocation, what this run has applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.errors import NotReversible
from dbmigrate.domain.plan import check_unchanged
from dbmigrate.domain.policy import Policy
from dbmigrate.service.ports import Bundles, Database, OpenBundle
from dbmigrate.service.preflight import preflight
from dbmigrate.service.upgrade import progress, remaining, run_one_step


def roll_back(
    run: str,
    plan: Mapping[str, Any],
    policy: Policy,
    bundles: Bundles,
    database: Database,
    open_bundle: OpenBundle,
) -> dict[str, Any]:
    """Downgrade the newest revision of the plan that stands, and say how far it is: status applied, done or
    working.

    Raises NotReversible where the policy wants a person, the plan was not proved lossless or another revision
    stands in part, else what upgrade raises.
    """
    if policy.rollback != "automatic" or plan["direction"] != "upgrade" or plan["reversible"] is not True:
        raise NotReversible(
            f"{policy.environment} does not undo this plan by itself (rollback: {policy.rollback}, "
            f"reversible: {str(plan['reversible']).lower()}).",
            f"db-migrate --environment {policy.environment} rollback --run {run}",
        )
    check_unchanged(plan, bundles.get_plan(plan["digest"]))
    history, evidence = open_bundle(plan["bundle"])
    waiting = remaining(plan, run, history, database)
    standing = [revision for revision in reversed(plan["pending"]) if revision not in waiting]
    if not standing:
        return progress(plan, [], None)
    _refuse_below_a_half(database, standing[0])
    facts = {
        "bundle": plan["bundle"],
        "plan": plan["digest"],
        "direction": "upgrade",
        "requested_by": plan["requested_by"],
    }
    seen = preflight(evidence, standing[0], "downgrade", policy, database)
    return run_one_step(plan, standing, run, facts, database, history, "downgrade") | seen


def _refuse_below_a_half(database: Database, revision: str) -> None:
    half = [line for line in database.unfinished() if line.revision not in ("", revision)]
    if half:
        raise NotReversible(
            f"Revision {half[-1].revision} stands in part ({half[-1].told()}): nothing below it is undone.",
            "go on with it: db-migrate deploy",
        )
