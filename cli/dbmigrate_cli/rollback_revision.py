"""Writes rollback revisions: new revisions that undo others, for every environment, by the ordinary gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from dbmigrate.adapters.history import BASE, History
from dbmigrate.domain.errors import BadRequest, DbMigrateError, NotReversible
from dbmigrate.domain.evidence import Evidence, RevisionEvidence
from dbmigrate.domain.report import Report
from dbmigrate.domain.words import counted, first_line
from dbmigrate_cli.commands.validate import Asked, judge
from dbmigrate_cli.context import history_of
from dbmigrate_cli.evidence import evidence_for_bundle
from dbmigrate_cli.options import Options
from dbmigrate_cli.safe_files import write_drafts
from dbmigrate_cli.safe_words import Draft

CALL = 'context.script.get_revision("{}").module.{}()'
COMPATIBILITY = "DM2"
BY_HAND = 'write the undoing by hand: db-migrate create "undo …"'


def write_rollback(
    options: Options, undone: Sequence[str], reason: str | None, scratch: str | None
) -> Report:
    """Write the revisions that undo these, given newest first, and rehearse them with rows; returns what they
    do. Nothing stays of them when that fails.

    Raises BadRequest, NotReversible, RehearsalFailed and what write_revision raises.
    """
    history = history_of(options)
    head = history.head
    evidence = evidence_for_bundle(options, history, scratch)
    _refuse_unproved(evidence, undone)
    paths = write_drafts(lambda: history_of(options), list(_drafts(history, evidence, undone, reason)))
    try:
        report = _judged(options, head, scratch)
        _refuse_dependants(history, evidence, undone, report)
        if _let_pass(paths, report, undone):
            report = _judged(options, head, scratch)
    except BaseException as error:
        for path in paths:
            path.unlink(missing_ok=True)
        if isinstance(error, DbMigrateError) and not isinstance(error, NotReversible):
            error.hint = BY_HAND
        raise
    _tell(options, paths, undone, report)
    return report


def above(history: History, revision: str) -> list[str]:
    """Everything that comes after this revision, newest first. Raises BadRequest."""
    if revision != BASE and revision not in history.revisions:
        raise BadRequest(f"Revision {revision} is not in {history.folder.name}.", "db-migrate status")
    kept = set() if revision == BASE else history.applied([revision])
    return [each for each in reversed(history.order) if each not in kept]


def _judged(options: Options, head: str, scratch: str | None) -> Report:
    return judge(options, Asked(start=head, scratch=scratch))


def _refuse_unproved(evidence: Evidence, undone: Sequence[str]) -> None:
    if not undone:
        raise BadRequest("There is nothing above it, so there is nothing to undo.", "db-migrate status")
    for revision in undone:
        seen = evidence.revisions[revision]
        if not seen.round_trip:
            raise NotReversible(
                f"The downgrade of {revision} does not lead back: {seen.round_trip_error}.", BY_HAND
            )


def _drafts(
    history: History, evidence: Evidence, undone: Sequence[str], reason: str | None
) -> Iterator[Draft]:
    """One revision for all; where some commit inside, one for each stretch of a kind, as nothing else may
    stand beside those."""
    for _, group in groupby(undone, lambda revision: _kind(evidence.revisions[revision])):
        newest_first = list(group)
        told = [f"{each} ({first_line(history.revisions[each].doc).rstrip('.')})" for each in newest_first]
        names = " and ".join(sorted(newest_first))
        yield Draft(
            message=f"undo {names}",
            purpose=(f"{reason.strip().rstrip('.')}.\n\n" if reason else "")
            + f"Runs their own downgrades, as they were rehearsed, the newest first: {'; '.join(told)}.",
            rollback=f"apply {names} again.",
            up="\n".join(CALL.format(each, "downgrade") for each in newest_first),
            down="\n".join(CALL.format(each, "upgrade") for each in reversed(newest_first)),
        )


def _kind(seen: RevisionEvidence) -> str:
    if seen.resumable:
        return "safe operations"
    return seen.revision if seen.autocommit else "one transaction"


def _refuse_dependants(history: History, evidence: Evidence, undone: Sequence[str], report: Report) -> None:
    """What the undoing changes of a later revision's work would be lost without a word."""
    changed = {
        (kind, name)
        for revision in report.plan.revisions
        for kind, name, _ in report.evidence.revisions[revision].changes
    }
    first = min(map(history.order.index, undone))
    later = [each for each in history.order[first:] if each not in undone and each in evidence.revisions]
    depend = {
        each: sorted(name for kind, name, _ in evidence.revisions[each].changes if (kind, name) in changed)
        for each in later
    }
    named = [f"  {each} ({', '.join(names[:3])})" for each, names in depend.items() if names]
    if named:
        below = ", ".join(history.revisions[history.order[first]].down) or BASE
        raise NotReversible(
            "Later revisions build on what would be undone:\n" + "\n".join(named),
            f"undo them with it: db-migrate rollback --write --to {below}",
        )


def _let_pass(paths: Sequence[Path], report: Report, undone: Sequence[str]) -> bool:
    """To take something away is what a rollback is for. What it locks or rewrites is judged as ever."""
    rules = sorted({found.rule for found in report.counting if found.rule.startswith(COMPATIBILITY)})
    if not rules:
        return False
    for path in paths:
        mine = sorted(
            {f.rule for f in report.counting if f.rule in rules and path.name.startswith(f.revision)}
        )
        if mine:
            text = f"# dbmigrate: allow {', '.join(mine)} because it undoes {', '.join(sorted(undone))}\n"
            source = path.read_text(encoding="utf-8")
            path.write_text(
                source.replace("    context.script", f"    {text}    context.script", 1), encoding="utf-8"
            )
    return True


def _tell(options: Options, paths: Sequence[Path], undone: Sequence[str], report: Report) -> None:
    lost = [
        (table, column, rows)
        for revision in report.plan.revisions
        for table, column, rows in report.evidence.revisions[revision].row_losses
    ]
    lines = [
        f"{table}.{column}: {counted(rows, 'value')}" if column else f"{table}: {counted(rows, 'row')}"
        for table, column, rows in lost
    ]
    options.output.result(
        paths=[str(path) for path in paths],
        undone=list(undone),
        losses=list(report.plan.losses),
        row_losses=[list(loss) for loss in lost],
    )
    for path in paths:
        options.output.say(str(path))
    facts = [
        ("undoes", ", ".join(undone)),
        ("loses", "\n".join(report.plan.losses) or "nothing"),
        ("counted", "\n".join(lines) and "\n".join([*lines, "(of the rehearsal's rows)"])),
    ]
    options.output.fields([(name, value) for name, value in facts if value])
    options.output.note(
        "next: say in it why, then: db-migrate validate; deploy it to staging, then to production"
    )
