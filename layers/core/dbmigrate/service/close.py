"""Close the run: write its end into the ledger, give the lease back, and let the next environment know of a
success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbmigrate.domain.policy import Policy
from dbmigrate.domain.standing import DIRECT
from dbmigrate.service.ports import Bundles, Database

CLEAN_ENDINGS = {"Succeeded", "RolledBack"}
PROVEN = {"Succeeded", "NothingPending"}  # the environment stands at the bundle's head


def close(
    run: str,
    plan: Mapping[str, Any],
    outcome: str,
    failure: Any,
    policy: Policy,
    database: Database,
    bundles: Bundles,
) -> dict[str, Any]:
    """Returns ``seconds`` of the run's revisions and ``slower``, whether that is more than was predicted; and
    when its upgrade ``began``, with the place in the WAL, for the notice.

    All are None for a run that ended before its first step: it had no lease to give back.
    """
    if outcome in PROVEN and plan.get("direction") == "upgrade":
        # First, because a second call finds the run closed: a success must not get lost between the two.
        proof = {"run": run, "plan": plan["digest"], "to": plan["to"]}
        bundles.record_success(policy.environment, plan["bundle"], proof)
    if outcome == "Succeeded" and plan.get("direction") == "downgrade":
        # What was undone here must not go on to the next environment, whichever run brought it.
        for bundle in sorted({plan["bundle"], *_bundles_of(plan["pending"], database)}):
            bundles.withdraw_success(policy.environment, bundle, run)
    detail = f"{failure.get('Error')}: {failure.get('Cause')}" if isinstance(failure, Mapping) else ""
    seconds = database.close_run(run, outcome, detail, remember=outcome in CLEAN_ENDINGS)
    if seconds is None:
        return {"seconds": None, "slower": None, "began": None}
    slower = seconds > float(plan.get("predicted_seconds", seconds))
    return {"seconds": seconds, "slower": slower, "began": database.began(run) or None}


def _bundles_of(revisions: Sequence[str], database: Database) -> Iterator[str]:
    """The bundles of the latest runs that applied some of these."""
    for known in database.runs():
        brought = known["direction"] == "upgrade" and {*known["revisions"]} & {*revisions}
        if brought and known["bundle"] != DIRECT:
            yield known["bundle"]


def ended_run(event: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Run, outcome and failure of an execution that EventBridge says has ended."""
    detail = event["detail"]
    return detail["name"], detail["status"], {"Error": detail.get("error"), "Cause": detail.get("cause")}
