"""A drill in words, the same in the notice, on a terminal and on the approval page of its bundle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.words import counted, duration, size

WHERE = {
    "choose": "choosing a backup",
    "restore": "restoring it",
    "verify": "looking whether it is whole",
    "upgrade": "upgrading the copy",
}
FEW_SECONDS = 10.0


def drill_facts(report: Mapping[str, Any]) -> dict[str, str]:
    """The lines of a report, by their names; what it does not say is ""."""
    if not report:
        return {}
    backup, rto = report.get("backup") or {}, report.get("rto") or {}
    revisions = report.get("revisions") or []
    failed = report.get("outcome") == "DrillFailed"
    return {
        "Backup": _backup(backup),
        "Failed when": WHERE.get(report.get("where", ""), "") if failed else "",
        "RTO": _rto(rto),
        "RPO": seconds(backup["rpo_seconds"]) if backup.get("rpo_seconds") is not None else "",
        "Found": _found(report),
        "Rehearsed": ", ".join(f"{one['revision']} in {seconds(one['seconds'])}" for one in revisions[:10]),
    }


def seconds(count: float) -> str:
    """A measured time: with its tenths as long as they say something."""
    return f"{count:.2f} s" if count < FEW_SECONDS else duration(count)


def _backup(backup: Mapping[str, Any]) -> str:
    what = backup.get("snapshot") or (f"as of {backup['time']}" if backup.get("time") else "")
    age = backup.get("age_seconds")
    return f"{what}, {duration(age)} old" if what and age is not None else str(what)


def _rto(rto: Mapping[str, float]) -> str:
    if not rto:
        return ""
    parts = ", ".join(f"{name} {seconds(took)}" for name, took in rto.items() if name != "total")
    return f"{seconds(rto['total'])} ({parts})"


def _found(report: Mapping[str, Any]) -> str:
    if report.get("rows") is None:
        return ""
    held = f", {size(report['bytes'])}" if report.get("bytes") is not None else ""
    return f"{report['rows']:,} rows in {counted(report.get('tables') or 0, 'table')}{held}"
