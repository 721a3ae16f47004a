"""What RDS and CloudWatch say of the server, and whether a plan may begin or go on there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbmigrate.domain.errors import ServerNotReady, ServerUnfit
from dbmigrate.domain.words import size

STORAGE_MARGIN = 1.5
"""Predicted bytes are a guess by the tables' present sizes, and the application goes on writing meanwhile."""
AGAIN = "then start the run again: db-migrate deploy"


@dataclass(frozen=True)
class ServerLoad:
    """The server now. None is what nobody measured, which holds nothing up.

    ``deployments`` are the names of blue/green deployments under way. ``free_bytes`` is the storage left;
    where that grows by itself (Aurora) it is the local storage that index builds sort in, and
    ``storage_grows``. ``cpu`` is a percentage, ``replica_lag`` seconds of the slowest replica, latencies are
    milliseconds.
    """

    name: str
    status: str
    deployments: tuple[str, ...] = ()
    free_bytes: int | None = None
    storage_grows: bool = False
    cpu: float | None = None
    replica_lag: float | None = None
    commit_latency: float | None = None
    write_latency: float | None = None


@dataclass(frozen=True)
class LoadLimits:
    """Above which the server has too much to do: percent of CPU, seconds of lag, milliseconds of latency."""

    cpu: float = 80
    replica_lag: float = 30
    latency: float = 100


def refuse_unfit(load: ServerLoad, predicted_bytes: int, largest_bytes: int) -> None:
    """Raise ServerUnfit when this plan must not run on the server, however long anybody waits.

    A blue/green deployment copies rows by logical replication, which carries no DDL: a changed schema stops
    it or fails its switchover (RDS User Guide, "Limitations and considerations for blue/green deployments").
    """
    if load.deployments:
        raise ServerUnfit(
            f"{load.name} has a blue/green deployment under way ({', '.join(load.deployments)}): it "
            "replicates rows and no schema changes, so this plan would break it or its switchover.",
            f"switch over or delete the deployment, {AGAIN}",
        )
    wanted = round((largest_bytes if load.storage_grows else predicted_bytes) * STORAGE_MARGIN)
    if load.free_bytes is not None and wanted > load.free_bytes:
        where = "local storage, where indexes are sorted" if load.storage_grows else "storage"
        raise ServerUnfit(
            f"{load.name} has {size(load.free_bytes)} of free {where}; the plan may need "
            f"{size(wanted)} meanwhile.",
            f"give {load.name} more storage (or a larger instance class, for local storage), {AGAIN}",
        )


def refuse_busy(load: ServerLoad, limits: LoadLimits) -> None:
    """Raise ServerNotReady, naming everything that is above its limit, while the server has enough to do."""
    busy = list(_too_much(load, limits))
    if busy:
        raise ServerNotReady(
            f"{load.name} has enough to do: {'; '.join(busy)}.",
            f"look what keeps it busy, or raise the stack's limits (CpuLimit and its like), {AGAIN}",
        )


def _too_much(load: ServerLoad, limits: LoadLimits) -> Iterator[str]:
    if load.status != "available":
        yield f"RDS shows it as {load.status}"
    for what, measured, limit, unit in (
        ("CPU", load.cpu, limits.cpu, " %"),
        ("replica lag", load.replica_lag, limits.replica_lag, " s"),
        ("commit latency", load.commit_latency, limits.latency, " ms"),
        ("write latency", load.write_latency, limits.latency, " ms"),
    ):
        if measured is not None and measured > limit:
            yield f"{what} {measured:.0f}{unit}, limit {limit:.0f}{unit}"
