"""Restore beside the old instance: start it, look how far it is, or discard what it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.errors import BadRequest, DatabaseBusy, RestoreFailed
from dbmigrate.domain.instance import TAG, Instance
from dbmigrate.domain.recovery import DIRECTION, RecoveryPlan, check_recovery_unchanged
from dbmigrate.domain.words import epoch_of, moment
from dbmigrate.service.instances import Instances, Plans
from dbmigrate.service.ports import RecoveryLog

WISHES = ("start", "check", "discard")


def restore(
    event: Mapping[str, Any], instances: Instances, plans: Plans, log: RecoveryLog, now: float
) -> dict[str, Any]:
    """``status`` is creating, available or gone.

    Raises RestoreFailed, or DatabaseBusy when RDS would take it later; BadRequest for no wish of ours,
    PlanOutdated for a plan that nobody made.
    """
    plan = check_recovery_unchanged(event["plan"], plans.get_plan(event["plan"]["digest"]))
    if event["wish"] == "discard":
        return _discard(plan, instances, log, now)
    if event["wish"] == "start":
        return _start(plan, instances, log, now)
    if event["wish"] == "check":
        return _check(plan, instances)
    raise BadRequest(f"restore: 'wish' must be one of {', '.join(WISHES)}, not '{event['wish']}'.")


def _start(plan: RecoveryPlan, instances: Instances, log: RecoveryLog, now: float) -> dict[str, Any]:
    found = instances.look(plan.restored)
    if found is None:
        _wait_for_the_moment(plan, instances, now)
        instances.restore(plan, {TAG: plan.recovery, "environment": plan.environment})
    elif not found.made_by(plan.recovery):
        raise RestoreFailed(
            f"There is an instance {plan.restored} already, which {plan.recovery} did not make.",
            "rename it in RDS, then start another recovery: db-migrate recover",
        )
    record = log.get(plan.recovery)
    if record is not None:
        log.put(record.reached("restoring", now))
    return _answer(plan, found)


def _check(plan: RecoveryPlan, instances: Instances) -> dict[str, Any]:
    instances.complete(plan)
    found = instances.look(plan.restored)
    if found is None:
        raise RestoreFailed(
            f"{plan.restored} is gone: somebody deleted it while it was restored.",
            "ask who did, then start another recovery: db-migrate recover",
        )
    if found.state == "failed":
        raise RestoreFailed(
            f"{plan.restored} could not be restored: RDS says {found.status}.",
            "look at its events in RDS, then start another recovery: db-migrate recover",
        )
    if found.state == "available" and plan.kind == DIRECTION:
        instances.carry_over(plan)  # while people read and decide
    return _answer(plan, found)


def _discard(plan: RecoveryPlan, instances: Instances, log: RecoveryLog, now: float) -> dict[str, Any]:
    instances.discard(plan.restored, plan.recovery)
    record = log.get(plan.recovery)
    if record is not None:
        log.put(record.reached("abandoned", now, discarded=True))
    return {"id": plan.restored, "status": "gone"}


def _wait_for_the_moment(plan: RecoveryPlan, instances: Instances, now: float) -> None:
    """RDS learns of a moment some minutes after it."""
    latest = instances.window(plan.database)[1] if plan.time else None
    if plan.time and latest is not None and latest < epoch_of(plan.time, "the plan's time") <= now:
        raise DatabaseBusy(
            f"RDS can restore {plan.database} up to {moment(latest)} by now, and {plan.time} is wanted.",
            "wait: RDS gets there within five minutes, and the recovery asks again by itself",
        )


def _answer(plan: RecoveryPlan, found: Instance | None) -> dict[str, Any]:
    if found is None or found.state != "available":
        return {"id": plan.restored, "status": "creating"}
    where = {"host": found.host, "port": found.port, "resource_id": found.resource_id}
    return {"id": plan.restored, "status": "available", **where}
