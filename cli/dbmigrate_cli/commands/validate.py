"""`db-migrate validate`: what the revisions would do, seen on a scratch PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from dbmigrate.adapters.history import History
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import DbMigrateError, FindingsBlock
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.report import Report
from dbmigrate.domain.report_words import headline
from dbmigrate.service.make_plan import make_plan
from dbmigrate_cli.application_queries import checked_queries, notes_of
from dbmigrate_cli.context import history_of
from dbmigrate_cli.evidence import make_evidence
from dbmigrate_cli.judgement import judge_plan
from dbmigrate_cli.live_sizes import with_sizes, with_speed
from dbmigrate_cli.options import Options
from dbmigrate_cli.pending import Start, find_start, imagined
from dbmigrate_cli.reports import refuse, write
from dbmigrate_cli.shared_options import scratch_option, stack_option

MEND = (
    "mend them, or say in the revision why not (# dbmigrate: allow RULE because …), then: db-migrate validate"
)


@dataclass(frozen=True)
class Asked:
    """What the caller asks of a validation."""

    start: str | None = None
    against: str | None = None
    stats: Path | None = None
    stack: str | None = None
    scratch: str | None = None
    calibrate: bool = False
    queries: Path | None = None


@click.command("validate")
@click.option("--from", "start", metavar="REV", help='Judge what comes after this revision; "base": all.')
@click.option(
    "--against",
    metavar="REF",
    envvar="DB_MIGRATE_AGAINST",
    help="Judge what the merge base with this git branch has not. [DB_MIGRATE_AGAINST]",
)
@click.option(
    "--stats",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DB_MIGRATE_STATS",
    help="Sizes of the live tables: db-migrate sizes > FILE. [DB_MIGRATE_STATS]",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Try first how fast the scratch server is, for some ten seconds; remembered in .dbmigrate/.",
)
@click.option(
    "--queries",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DB_MIGRATE_QUERIES",
    help="The application's queries (SQL, CSV, JSON): name what no longer plans. [DB_MIGRATE_QUERIES]",
)
@click.option("--strict", is_flag=True, help="Exit 3 also when something is to be reviewed.")
@stack_option
@scratch_option
@click.pass_obj
def command(options: Options, /, strict: bool, **asked: Any) -> None:
    """Rehearse the revisions up, down and up again, and judge what the pending ones do.

    Pending is what the database has not that --database names, or the development database; else what the
    merge base with the target branch has not; else everything. Exit 3 when a revision does not run or a
    finding blocks.
    """
    typed = click.get_current_context().get_parameter_source("against") is ParameterSource.COMMANDLINE
    if asked["start"] and not typed:
        asked["against"] = None
    try:
        report = judge(options, Asked(**asked))
    except DbMigrateError as error:
        refuse(options.output, options.format, error)
        raise
    write(options.output, options.format, report)
    refused = {"block", "review"} if strict else {"block"}
    if report.verdict in refused:
        raise FindingsBlock(f"{headline(report.findings)}.", MEND)


def judge(options: Options, asked: Asked) -> Report:
    """Rehearse, plan and judge."""
    history = history_of(options)
    _ = history.head
    begin = find_start(options, history, asked.start, asked.against)
    evidence = rehearsed(options, history, begin, asked.scratch)
    checked = checked_queries(options, history, begin.revisions, asked.scratch, asked.queries)
    standing = begin.standing or imagined(evidence, begin.revisions)
    standing, sized = with_sizes(options, standing, asked.stats, asked.stack)
    standing = with_speed(options, standing, asked.calibrate, asked.scratch)
    plan = make_plan(
        environment=options.environment,
        bundle=bundle_digest(history, evidence),
        history=history,
        evidence=evidence,
        standing=standing,
        requested_by="",
        broken_queries=checked.broken,
    )
    report = judge_plan(plan, evidence, history, begin, sized)
    return replace(report, notes=(*report.notes, *notes_of(checked)))


def rehearsed(options: Options, history: History, begin: Start, scratch: str | None) -> Evidence:
    """What the pending revisions did; nothing is started for none."""
    if not history.pending(begin.revisions):
        return Evidence(0, (), {}, begin.revisions)
    return make_evidence(options, history, scratch, begin.revisions)


def bundle_digest(history: History, evidence: Evidence) -> str:
    """What a deploy of these files would be called; "" where only a part was rehearsed."""
    return digest_of(pack(history.files(), evidence)) if evidence.order == history.order else ""
