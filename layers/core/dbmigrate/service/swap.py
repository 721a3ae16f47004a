"""Swap the instances by their names: one step an invocation, each found by asking RDS who has which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dbmigrate.domain.errors import DatabaseBusy, PlanOutdated, SwapFailed
from dbmigrate.domain.instance import Instance
from dbmigrate.domain.recovery import Record, RecoveryPlan, check_recovery_unchanged
from dbmigrate.service.instances import Instances, Plans
from dbmigrate.service.ports import RecoveryLog

Answer = dict[str, Any]


def swap(
    event: Mapping[str, Any],
    approval_required: bool,
    instances: Instances,
    plans: Plans,
    log: RecoveryLog,
    now: float,
) -> Answer:
    """``status`` is working or done, ``step`` says what RDS does or has done.

    Raises PlanOutdated before the first rename unless this plan was approved, SwapFailed when the names are
    not where a recovery leaves them, DatabaseBusy when RDS would take a rename later.
    """
    record = log.get(event["recovery"])
    plan = _approved(event, approval_required, plans, record)
    if record is not None and not record.behind_swap:
        # Before the first rename: whoever comes from here on only goes on. Who gave it up before that stands.
        swapping = record.reached("swapping", now, approval=dict(event.get("approval") or {}))
        record = log.put(replace(swapping, plan=dict(event["plan"])))
    if record is None or record.phase == "abandoned":
        raise PlanOutdated(
            f"{plan.recovery} was given up; its copy is not taken.", "start another one: db-migrate recover"
        )
    answer = _step(plan, instances)
    if answer["status"] == "done":
        log.put(record.reached("swapped", now, resource_id=answer["resource_id"]))
    return answer


def _approved(
    event: Mapping[str, Any], approval_required: bool, plans: Plans, record: Record | None
) -> RecoveryPlan:
    """The plan, if this very one was approved or needs no approval."""
    approval = event.get("approval") or {}
    try:
        plan = check_recovery_unchanged(event["plan"], plans.get_plan(event["plan"]["digest"]))
        said = (approval.get("status"), approval.get("digest"))
        if approval_required and said != ("approved", plan.digest):
            raise PlanOutdated(
                f"The approval is for {said[1] or 'nothing'}, but the plan is {plan.digest}.",
                f"have it approved: db-migrate recover --resume {plan.recovery}",
            )
    except PlanOutdated as error:
        # Nothing leads back from behind the first rename, so nobody may take this for a reason to go there.
        if record is not None and record.behind_swap:
            raise SwapFailed(error.message, error.hint) from error
        raise
    return plan


def _step(plan: RecoveryPlan, instances: Instances) -> Answer:
    # Names move from the first to the second to the third. Read in this order, one that moves meanwhile is
    # seen under both of its names and never under none.
    restored, database, kept = (instances.look(name) for name in (plan.restored, plan.database, plan.kept))
    if database is not None and database.made_by(plan.recovery):
        return _finish(plan, instances, database)
    if database is None and (kept is None or restored is None):
        raise DatabaseBusy(
            f"RDS shows nobody under {plan.database} just now, nor who is to get this name or had it.",
            f"look in RDS who has which name, then go on: db-migrate recover --resume {plan.recovery}",
        )
    if restored is None or not restored.made_by(plan.recovery):
        raise _stuck(plan, f"{plan.restored}, which was to become {plan.database}, is not there.")
    if database is None:
        return _move_in(plan, instances, kept, restored)
    if kept is not None and kept.resource_id != database.resource_id:
        raise _stuck(plan, f"There is an instance {plan.kept} already, which is not {plan.database}.")
    return _move_aside(plan, instances, database, restored, moving=kept is not None)


def _stuck(plan: RecoveryPlan, message: str) -> SwapFailed:
    hint = "look in RDS who has which name, give the one in the way another, then go on: db-migrate recover"
    return SwapFailed(message, f"{hint} --resume {plan.recovery}")


def _move_aside(
    plan: RecoveryPlan, instances: Instances, old: Instance, restored: Instance, moving: bool
) -> Answer:
    if restored.state != "available":
        return _working(f"wait until {plan.restored} is available: it is {restored.status}")
    if not (moving or old.renames):
        instances.carry_over(plan)
        instances.rename(plan.database, plan.kept)
    return _working(f"{plan.database} becomes {plan.kept}")


def _move_in(plan: RecoveryPlan, instances: Instances, kept: Instance | None, restored: Instance) -> Answer:
    if kept is None or kept.renames:
        return _working(f"{plan.database} becomes {plan.kept}")
    if not restored.renames:
        instances.rename(plan.restored, plan.database)
    return _working(f"{plan.restored} becomes {plan.database}")


def _finish(plan: RecoveryPlan, instances: Instances, new: Instance) -> Answer:
    if new.state != "available":
        return _working(f"wait until {plan.database} is available: it is {new.status}")
    instances.protect(plan.database, like=plan.kept)
    notes = instances.differences(plan.database, like=plan.kept)
    step = f"{plan.database} is the restored instance; the old one is {plan.kept}"
    where = {"host": new.host, "port": new.port, "resource_id": new.resource_id}
    return {"status": "done", "step": step, "notes": notes, **where}


def _working(step: str) -> Answer:
    return {"status": "working", "step": step}
