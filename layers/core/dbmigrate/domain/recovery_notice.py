"""What notices of a recovery say beyond those of a run: how long each part took, and what is left to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbmigrate.domain.recovery_times import PARTS, parts_of
from dbmigrate.domain.words import counted, duration

MEMBERS = ", after its members"


def where_from(plan: Mapping[str, Any]) -> str:
    """The backup or the moment that is restored, in words."""
    if plan.get("snapshot"):
        return f"snapshot {plan['snapshot']}"
    before = f", just before run {plan['before_run']}" if plan.get("before_run") else ""
    return f"{plan.get('time')}{before}"


def recovery_facts(plan: Mapping[str, Any]) -> dict[str, str]:
    """Lines of the notice: what was restored into what, and what the comparison found."""
    if not plan.get("recovery"):
        return {}
    found = plan.get("found") or {}
    counts = {
        "Recovered": ("recovered", "which the old instance lacks"),
        "Left behind": ("only_on_old", "which only the old instance has"),
        "Changed": ("changed", "which both have, with other values"),
    }
    rows = {
        name: f"{counted(int(found[word]), 'row')} {where}"
        for name, (word, where) in counts.items()
        if word in found
    }
    return {"Database": str(plan["database"]), "Restored to": where_from(plan), **rows}


def took(times: Mapping[str, Any]) -> str:
    """The recovery time in its parts, from epoch milliseconds; "" where nothing was reached."""
    lines = [f"  {PARTS[part] + ':':<34}{duration(seconds)}" for part, seconds in parts_of(times).items()]
    if "fenced" in times and "opened" in times:
        out = duration((times["opened"] - times["fenced"]) / 1000)
        lines.append(f"  {'the application was shut out for:':<34}{out}")
    return "\n".join(["Time to recover:", *lines]) if lines else ""


def left_to_do(plan: Mapping[str, Any], swap: Mapping[str, Any]) -> str:
    """What a person does after a swap: the new resource id, the kept instance, what was not carried over."""
    kind, kept = "cluster" if plan.get("cluster") else "instance", plan.get("kept")
    steps = (
        f"where DatabaseResourceId is set (IAM authentication), set it to {swap.get('resource_id')} in "
        f"samconfig.toml, then: sam deploy --config-env {plan.get('environment')}; a restored one has a new "
        "resource id, and until then nobody logs in by the old one",
        f"take over by hand what only {kept} has, the old {kind}: it is fenced and costs money; when nobody "
        f"needs it any more: aws rds delete-db-{kind} --db-{kind}-identifier {kept} "
        f"--final-db-snapshot-identifier {kept}{MEMBERS if plan.get('cluster') else ''}",
        *map(str, swap.get("notes") or ()),
        "roles and passwords are those of then, too: make again what was made or rotated since",
        "replicas and proxies of the old one are not moved: point them at the new one, or make them again",
    )
    return "\n".join(["Left to do:", *(f"  - {step}" for step in steps)])
