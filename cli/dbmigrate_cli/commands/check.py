"""`db-migrate check`: is everything as it should be?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.changelog import to_json, to_lines
from dbmigrate.domain.drift import Drift, told
from dbmigrate.domain.errors import EditedRevision
from dbmigrate.domain.standing import Standing, label
from dbmigrate.domain.unfinished import explained
from dbmigrate.domain.words import counted
from dbmigrate.service.checks import check_history, drift_of
from dbmigrate_cli.context import database_of, history_of, look_here
from dbmigrate_cli.evidence import known_evidence, make_evidence
from dbmigrate_cli.failures import RunEnded
from dbmigrate_cli.options import Options
from dbmigrate_cli.shared_options import scratch_option, stack_option, standing_here_option
from dbmigrate_cli.working import way_on

REFUSED = 3


@click.command("check")
@stack_option
@standing_here_option
@scratch_option
@click.pass_obj
def command(options: Options, stack: str | None, local: bool, scratch: str | None) -> None:
    """Look for drift, invalid indexes, and edited, unfinished or pending revisions; exit 3 when there are."""
    look_here(options, local)
    history = history_of(options)
    _ = history.head
    found = look(options, history, scratch) if options.direct else ask(options, history, stack)
    wrong = {name: lines for name, lines in found.lines.items() if lines}
    options.output.result(
        environment=options.environment, ok=not wrong, **found.lines,
        drift_changes=found.changes, notes=found.notes,
    )  # fmt: skip
    shown = {**found.lines, **({"notes": found.notes} if found.notes else {})}
    options.output.fields(
        (name.replace("_", " "), "\n".join(lines) or "none") for name, lines in shown.items()
    )
    if wrong:
        raise RunEnded(
            "CheckFailed",
            "The check found " + _counts(wrong) + ".",
            _remedy(options, wrong, found.way),
            REFUSED,
        )


@dataclass(frozen=True)
class Found:
    """``lines`` is what is wrong, by its kind; ``changes`` the drift for programs; ``notes`` what stands in
    the database besides, and is the administrator's; ``way`` is how a cut revision is brought to its end."""

    lines: dict[str, list[str]]
    changes: list[dict[str, Any]]
    notes: list[str]
    way: str = ""


def look(options: Options, history: History, scratch: str | None) -> Found:
    """What the database itself shows."""
    standing = database_of(options).look()
    pending, edited = _against(history, standing)
    drift = Drift()
    if not edited:
        evidence = known_evidence(history)
        if evidence is None and not _comparable(standing):
            evidence = make_evidence(options, history, scratch)
        drift = drift_of(standing, evidence)
    # What a revision that was cut has done so far is its own.
    changes = [change for change in drift.changes if not explained(change, standing.unfinished)]
    wrong = {
        "drift": told(changes),
        "invalid_indexes": list(standing.invalid_indexes),
        "edited_revisions": edited,
        "unfinished": _unfinished(standing),
        "pending": pending,
    }
    way = ""
    if standing.unfinished:
        lines = [line.to_json() for line in standing.unfinished]
        way = way_on(options, lines, label(standing.current), history)
    return Found(wrong, to_json(changes), to_lines(drift.notes), way)


def ask(options: Options, history: History, stack: str | None) -> Found:
    """The same, as the environment's stack sees it; one deployed before says less."""
    from dbmigrate_cli.asked import ask_stack

    report = ask_stack(options, history, stack)
    wrong = {
        "drift": report["drift_differences"],
        "invalid_indexes": report["invalid_indexes"],
        "edited_revisions": report["edited_revisions"],
        "pending": report["pending"],
    }
    lines = report.get("unfinished", [])
    wrong["unfinished"] = [f"{line['revision']}  {line['operation']} {line['table']}" for line in lines]
    way = way_on(options, lines, report["current"], history) if lines else ""
    return Found(wrong, report.get("drift_changes", []), report.get("drift_notes", []), way)


def _unfinished(standing: Standing) -> list[str]:
    return [" ".join(filter(None, (line.revision, line.told()))) for line in standing.unfinished]


def _against(history: History, standing: Standing) -> tuple[list[str], list[str]]:
    """Pending revisions, and edited ones. A current revision that nobody knows ends the check."""
    try:
        check_history(history, standing)
    except EditedRevision as error:
        return history.pending(standing.current), [error.message]
    return history.pending(standing.current), []


def _comparable(standing: Standing) -> bool:
    """Whether our own last run says what the database should be; nothing need be compared at base."""
    return standing.kept is not None and standing.kept[0] == label(standing.current)


def _counts(wrong: dict[str, list[str]]) -> str:
    words = {
        "drift": "difference from the revisions",
        "invalid_indexes": "invalid index",
        "edited_revisions": "edited revision",
        "unfinished": "unfinished step",
        "pending": "pending revision",
    }
    plural = {"drift": "differences from the revisions", "invalid_indexes": "invalid indexes"}
    return ", ".join(
        f"{len(lines)} {plural[name]}"
        if name in plural and len(lines) > 1
        else counted(len(lines), words[name])
        for name, lines in wrong.items()
    )


def _remedy(options: Options, wrong: dict[str, Any], way: str) -> str:
    if wrong.get("edited_revisions"):
        return "restore the revision's file, and put the change into a new one: db-migrate create NAME"
    if wrong.get("drift"):
        return "undo the change by hand; to keep it, make it by a revision then: db-migrate create NAME"
    if way:
        return way
    if wrong.get("invalid_indexes"):
        return "DROP INDEX CONCURRENTLY …, then build it anew in a revision: db-migrate create NAME"
    return f"{options.command} deploy{options.flag}"
