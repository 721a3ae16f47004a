"""A plan and its evidence, as `validate` shows them."""

from __future__ import annotations

from typing import Any

from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.plan import Plan, Step
from dbmigrate.domain.words import counted, duration, first_line
from dbmigrate_cli.output import Output

COLOURS = {"block": "red", "review": "yellow", "note": None}


def plan_json(plan: Plan, evidence: Evidence) -> dict[str, Any]:
    """The report for programs."""
    values = plan.to_json()
    steps = values.pop("steps")
    for step in steps:
        step["reversible"] = step.pop("round_trip")
        step["why_not_reversible"] = evidence.revisions[step["revision"]].round_trip_error
    return {
        "environment": plan.environment,
        "bundle": plan.bundle,
        "from": plan.start,
        "to": plan.end,
        "rehearsed": len(evidence.order),
        "server_major": evidence.server_major,
        "reversible": plan.reversible,
        "losses": values["losses"],
        "findings": values["findings"],
        "predicted_seconds": plan.predicted_seconds,
        "revisions": steps,
    }


def show_plan(output: Output, plan: Plan, evidence: Evidence) -> None:
    """The report as lines: each revision with its changes and findings, then the whole."""
    rehearsed = counted(len(evidence.order), "revision")
    output.say(f"Rehearsed {rehearsed} on PostgreSQL {evidence.server_major}: up, down and up again.")
    for step in plan.steps:
        _show_step(output, plan, step, evidence.revisions[step.revision].round_trip_error)
    output.say()
    if not plan.steps:
        output.say(f"Nothing is pending at {plan.start}. (All of it: db-migrate validate --from base)")
        return
    output.fields(_whole(plan))


def _show_step(output: Output, plan: Plan, step: Step, trouble: str | None) -> None:
    output.say()
    output.say(output.fit(f"{step.revision}  {first_line(step.doc)}"), bold=True)
    for change in step.changes or ("no change of the schema",):
        output.say(f"  {change}")
    if step.autocommit:
        output.say("  commits inside (autocommit_block): a failure may leave a part of it")
    if trouble:
        output.say(f"  not reversible: {trouble}", fg="yellow")
    for finding in plan.findings:
        if finding["revision"] == step.revision:
            output.say(
                f"  {finding['severity']} {finding['rule']}: {finding['message']}",
                fg=COLOURS[finding["severity"]],
            )
            output.say(f"    write instead: {finding['instead']}")


def _whole(plan: Plan) -> list[tuple[str, str]]:
    severities = [finding["severity"] for finding in plan.findings]
    found = [f"{severities.count(word)} {word}" for word in COLOURS if word in severities]
    way_back = "yes, without loss" if plan.reversible else "\n".join(plan.losses) or "no, see above"
    return [
        ("pending", f"{counted(len(plan.steps), 'revision')}, from {plan.start} to {plan.end}"),
        ("findings", ", ".join(found) or "none"),
        ("reversible", way_back if plan.reversible else f"no\n{way_back}" if plan.losses else way_back),
        ("predicted", f"at most {duration(plan.predicted_seconds)}"),
        ("bundle", plan.bundle),
    ]
