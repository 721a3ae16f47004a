"""Plan a recovery: to when, from what, into which instance; or find the one that goes on or is given up.

Whatever RDS could not do is refused here, while the application still works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dbmigrate.domain.backup import tag_value
from dbmigrate.domain.errors import RecoveryRefused
from dbmigrate.domain.instance import Copy, names
from dbmigrate.domain.recovery import ENDED, PHASES, Record, RecoveryPlan
from dbmigrate.domain.words import epoch_of, moment
from dbmigrate.service.instances import Executions, Instances, Plans
from dbmigrate.service.ports import RecoveryLog

MOST_LAG = 900
"""Seconds by which what RDS can restore may lag behind: within five minutes it gets there, usually."""
MOST_ATTEMPTS = 3  # to give up one recovery: an abandonment that fails is started again by an event
UNTOUCHED = "Nothing was changed, and the application was not stopped."


@dataclass(frozen=True)
class Ports:
    """Everything that planning touches. ``now`` is epoch seconds."""

    instances: Instances
    plans: Plans
    log: RecoveryLog
    executions: Executions
    now: float


def plan_recovery(event: Mapping[str, Any], environment: str, ports: Ports) -> dict[str, Any]:
    """The slim plan and where to go on (restore or swap); of one that goes on also what its earlier execution
    knew, the approval and ``times`` in epoch milliseconds. Raises RecoveryRefused."""
    request = event["request"]
    wish = next((word for word in ("resume", "abandon") if request.get(word)), "")
    command = f"db-migrate --environment {environment} recover"
    if wish:
        record = _found(str(request[wish]), command, ports)
        _check_wish(record, wish, event["execution"], command, ports)
    else:
        _refuse_second(event["recovery"], command, ports)
        plan = _planned(event["recovery"], request, environment, command, ports)
        ports.plans.put_plan(plan.digest, plan.to_json())
        record = Record(plan.recovery, PHASES[0], plan.slim(), {PHASES[0]: ports.now})
    ports.log.put(_now_by(record, wish, event["execution"]))
    return _answer(record, resumed=bool(wish))


def _answer(record: Record, resumed: bool) -> dict[str, Any]:
    swaps = record.behind_swap
    kept = ("planned", "fenced", "verified", "compared", "swapping") if swaps else ("planned", "fenced")
    words = {"planned": "began", "swapping": "approved"}
    known = {phase: record.times[phase] for phase in kept if phase in record.times} if resumed else {}
    none = {"status": "none"}
    return {
        "plan": dict(record.plan),
        "phase": "swap" if swaps else "restore",
        "approval": record.facts.get("approval") or none if swaps else none,
        "times": {words.get(phase, phase): int(1000 * time) for phase, time in known.items()},
    }


def _now_by(record: Record, wish: str, execution: str) -> Record:
    """With the execution that works on it from now on, and how often it was tried to be given up."""
    facts = {**record.facts, "execution": execution}
    if wish == "abandon":
        facts["abandonments"] = int(record.facts.get("abandonments", 0)) + 1
    return Record(record.recovery, record.phase, record.plan, record.times, facts)


# ---- one that goes on or is given up
def _found(name: str, command: str, ports: Ports) -> Record:
    """By its own name, or by that of the execution which worked on it last."""
    latest = ports.log.latest()
    worked_on = latest if latest is not None and latest.facts.get("execution") == name else None
    record = ports.log.get(name) or worked_on
    if record is None:
        raise RecoveryRefused(f"There is no recovery {name}.", f"see which there are: {command} --list")
    return record


def _check_wish(record: Record, wish: str, execution: str, command: str, ports: Ports) -> None:
    name, by = record.recovery, str(record.facts.get("execution") or record.recovery)
    if by != execution and ports.executions.runs(by):
        raise RecoveryRefused(
            f"{name} is at work in the execution {by}.",
            f"wait for it, or abort that execution first, then: {command} --{wish} {name}",
        )
    if record.over:
        opened = "the database is open; start the application by hand, if nothing has"
        hint = opened if record.phase == "opened" else f"start another one: {command}"
        raise RecoveryRefused(f"{name} is over: it was {record.phase}.", hint)
    if wish == "resume" and record.phase == "abandoned":
        raise RecoveryRefused(
            f"{name} was given up, and not everything is put back yet.",
            f"bring that to its end: {command} --abandon {name}",
        )
    if wish == "resume":
        return
    if record.behind_swap:
        raise RecoveryRefused(
            f"{name} is behind the beginning of its swap, from where nothing leads back.",
            f"go on: {command} --resume {name}",
        )
    if by != execution and int(record.facts.get("abandonments", 0)) >= MOST_ATTEMPTS:
        raise RecoveryRefused(
            f"{name} could not be given up {MOST_ATTEMPTS} times.",
            f"see what stands, and mend it: db-migrate --environment {record.plan['environment']} status",
        )


# ---- a new one
def _refuse_second(recovery: str, command: str, ports: Ports) -> None:
    latest = ports.log.latest()
    if latest is None or latest.recovery == recovery or latest.phase in ENDED:
        return
    way = "" if latest.behind_swap else f", or give it up: {command} --abandon {latest.recovery}"
    raise RecoveryRefused(
        f"{latest.recovery} has not ended: it is {latest.phase}.",
        f"go on with it: {command} --resume {latest.recovery}{way}",
    )


def _planned(
    recovery: str, request: Mapping[str, Any], environment: str, command: str, ports: Ports
) -> RecoveryPlan:
    database = ports.instances.database
    retention = _check_instance(command, ports)
    wanted, snapshot = request.get("time"), request.get("snapshot")
    if bool(wanted) == bool(snapshot):
        raise RecoveryRefused(
            "A recovery needs either a time or a snapshot.",
            f"{command} --to-time 2026-01-31T12:00:00Z, or --to-snapshot ID, or --before-run RUN",
        )
    if snapshot:
        _check_snapshot(str(snapshot), environment, command, ports)
    restored, kept = names(database, recovery)
    return RecoveryPlan(
        recovery=recovery,
        environment=environment,
        database=database,
        restored=restored,
        kept=kept,
        cluster=ports.instances.kind == "cluster",
        time=_moment(str(wanted), retention, command, ports) if wanted else None,
        snapshot=str(snapshot) if snapshot else None,
        before_run=request.get("before_run") or None,
        reason=str(request.get("reason") or ""),
        requested_by=str(request.get("requested_by") or ""),
    )


def _check_instance(command: str, ports: Ports) -> int:
    """Its days of retention. A full or failed one may be recovered from; one that goes or changes may not."""
    database = ports.instances.database
    found = ports.instances.look(database)
    if found is None:
        raise RecoveryRefused(
            f"RDS has no {ports.instances.kind} {database}.",
            f"restore it in RDS under this name, from one of: {_listed(ports.instances.copies())}",
        )
    if found.status in ("deleting", "deleted"):
        raise RecoveryRefused(
            f"{database} is being deleted, and a recovery would not outlive that. {UNTOUCHED}",
            f"wait for its end, then restore it in RDS from one of: {_listed(ports.instances.copies())}",
        )
    if found.pending or found.renames or found.status in ("modifying", "upgrading"):
        what = ", ".join(found.pending) or found.status
        raise RecoveryRefused(
            f"A change of {database} is pending ({what}), which its renaming would bring about. {UNTOUCHED}",
            f"let RDS apply it now, or take it back; then: {command}",
        )
    return found.retention


def _check_snapshot(snapshot: str, environment: str, command: str, ports: Ports) -> None:
    database, copies = ports.instances.database, ports.instances.copies()
    found = ports.instances.copy(snapshot)
    again = f"{command} --to-snapshot with one of: {_listed(copies)}"
    if found is None:
        raise RecoveryRefused(f"There is no snapshot {snapshot} of {database}. {UNTOUCHED}", again)
    if found.status != "available":
        raise RecoveryRefused(f"Snapshot {snapshot} is {found.status}, not available. {UNTOUCHED}", again)
    if found.source != database and found.tags.get("environment") != tag_value(environment):
        message = f"Snapshot {snapshot} is of {found.source}, not of {database}. {UNTOUCHED}"
        raise RecoveryRefused(message, again)


def _moment(wanted: str, retention: int, command: str, ports: Ports) -> str:
    """The time as ISO 8601 in UTC. Between the newest that RDS can restore and now, the restore waits."""
    database, copies = ports.instances.database, ports.instances.copies()
    earliest, latest = ports.instances.window(database)
    if not retention or latest is None:
        raise RecoveryRefused(
            f"RDS keeps nothing from which a moment of {database} could be restored: its backup retention "
            f"is {retention} days. {UNTOUCHED}",
            f"{command} --to-snapshot with one of: {_listed(copies)}",
        )
    time = latest if wanted == "latest" else epoch_of(wanted, "'time'")
    reachable = ports.now if latest > ports.now - MOST_LAG else latest
    if time > reachable or (earliest is not None and time < earliest):
        first = moment(earliest) if earliest is not None else "an unknown time"
        raise RecoveryRefused(
            f"{wanted} is outside of what RDS can restore of {database}: {first} to {moment(latest)}. "
            f"{UNTOUCHED}",
            f"{command} --to-time within that, or --to-snapshot with one of: {_listed(copies)}",
        )
    return datetime.fromtimestamp(time, UTC).isoformat()


def _listed(copies: list[Copy]) -> str:
    usable = [copy.id for copy in copies if copy.status == "available"]
    more = f" and {len(usable) - 5} older ones" if len(usable) > 5 else ""
    return ", ".join(usable[:5]) + more if usable else "none, RDS has no snapshot of it"
