"""Plan a drill: which backup is restored into which throwaway instance, and how old it is; or find the drill
whose copy is still to be deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from dbmigrate.domain.bundle import check_digest_form
from dbmigrate.domain.drill import DRILL, MOST_BUNDLES, OURS
from dbmigrate.domain.errors import DrillRefused
from dbmigrate.domain.instance import Copy, names
from dbmigrate.domain.recovery import RecoveryPlan
from dbmigrate.service.drills import Bundles, DrillLog
from dbmigrate.service.instances import Instances, Plans


class Log(DrillLog, Bundles, Protocol):
    """Drills and bundles lie in one bucket."""


@dataclass(frozen=True)
class Ports:
    """Everything that planning touches. ``now`` is epoch seconds."""

    instances: Instances
    plans: Plans
    log: Log
    now: float


def plan_drill(event: Mapping[str, Any], environment: str, ports: Ports) -> dict[str, Any]:
    """The slim plan, the backup with its ages in seconds, and the digests of the bundles to try on the copy.

    Raises DrillRefused when there is nothing to restore or no drill of that name, BundleRejected for what is
    no digest.
    """
    request = event["request"]
    if request.get("discard"):
        return _known(str(request["discard"]), event["execution"], ports)
    bundle = request.get("bundle")
    bundles = [check_digest_form(bundle)] if bundle else ports.log.newest_bundles(MOST_BUNDLES)
    plan, backup = _planned(event["drill"], request, environment, ports)
    ports.plans.put_plan(plan.digest, plan.to_json())
    planned = {"plan": plan.slim(), "backup": backup, "bundles": bundles}
    known = {"drill": plan.recovery, "environment": environment, "began": ports.now, **planned}
    ports.log.put(plan.recovery, known)
    return planned


def _known(drill: str, execution: str, ports: Ports) -> dict[str, Any]:
    """Also of an execution that was to delete the copy and was cut off itself."""
    found = ports.log.get(drill)
    if found is None or not found.get("plan"):
        raise DrillRefused(
            f"There is no drill {drill} that restored anything.",
            "look for instances with the tag recovery in RDS",
        )
    planned = {key: found[key] for key in ("plan", "backup", "bundles")}
    ports.log.put(execution, {"drill": execution, "discards": found["drill"], **planned})
    return planned


def _planned(
    drill: str, request: Mapping[str, Any], environment: str, ports: Ports
) -> tuple[RecoveryPlan, dict[str, Any]]:
    instances = ports.instances
    latest = instances.window(instances.database)[1]
    chosen = None if request.get("time") else _chosen(request.get("snapshot"), instances)
    if chosen is None and latest is None:
        raise DrillRefused(
            f"RDS can restore no moment of {instances.database}: its automated backups are off.",
            "set a backup retention of at least one day on the database, or name a snapshot: --snapshot ID",
        )
    # With its fractions: rows were committed in them.
    time = datetime.fromtimestamp(latest, UTC).isoformat() if chosen is None and latest is not None else None
    plan = RecoveryPlan(
        recovery=drill,
        environment=environment,
        database=instances.database,
        restored=names(instances.database, drill, "d")[0],
        kept="",
        cluster=instances.kind == "cluster",
        time=time,
        snapshot=chosen.id if chosen else None,
        reason=str(request.get("reason") or ""),
        requested_by=str(request.get("requested_by") or "the schedule"),
        kind=DRILL,
    )
    backup = {
        "snapshot": plan.snapshot,
        "time": time,
        "age_seconds": _age(chosen.taken if chosen else latest, ports.now),
        "rpo_seconds": _age(latest, ports.now),
    }
    return plan, backup


def _chosen(wanted: str | None, instances: Instances) -> Copy:
    """The snapshot that was asked for, else the newest of ours."""
    if wanted:
        named = instances.copy(wanted)
        if named is None or named.source != instances.database or named.status != "available":
            what = "not there" if named is None else f"{named.status}, of {named.source}"
            raise DrillRefused(
                f"Snapshot {wanted} cannot be restored for {instances.database}: it is {what}.",
                "leave --snapshot out to take the newest one",
            )
        return named
    ours = [copy for copy in instances.copies() if copy.id.startswith(OURS) and copy.status == "available"]
    if not ours:
        raise DrillRefused(
            f"{instances.database} has no snapshot of ours that is available.",
            "restore the newest moment instead: db-migrate drill --latest",
        )
    return ours[0]


def _age(moment: float | None, now: float) -> float | None:
    return None if moment is None else round(max(0.0, now - moment), 3)
