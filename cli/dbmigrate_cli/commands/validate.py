"""`db-migrate validate`: what the revisions would do, seen on a scratch PostgreSQL."""

from __future__ import annotations

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import DbMigrateError, FindingsBlock
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.report import Report
from dbmigrate.domain.report_words import headline
from dbmigrate.service.make_plan import make_plan
from dbmigrate_cli.context import history_of
from dbmigrate_cli.evidence import make_evidence
from dbmigrate_cli.judgement import judge_plan
from dbmigrate_cli.options import Options
from dbmigrate_cli.pending import find_start
from dbmigrate_cli.reports import refuse, write
from dbmigrate_cli.shared_options import scratch_option

MEND = (
    "mend them, or say in the revision why not (# dbmigrate: allow RULE because …), then: db-migrate validate"
)
UNSIZED = "unknown, so every table counts as large; tell them by --stats FILE"


@click.command("validate")
@click.option("--from", "start", metavar="REV", help='Judge what comes after this revision; "base": all.')
@click.option(
    "--against",
    metavar="REF",
    envvar="DB_MIGRATE_AGAINST",
    help="Judge what the merge base with this git branch has not. [DB_MIGRATE_AGAINST]",
)
@click.option("--strict", is_flag=True, help="Exit 3 also when something is to be reviewed.")
@scratch_option
@click.pass_obj
def command(
    options: Options, start: str | None, against: str | None, strict: bool, scratch: str | None
) -> None:
    """Rehearse the revisions up, down and up again, and judge what the pending ones do.

    Pending is what the database has not that --database names, or the development database; else what the
    merge base with the target branch has not; else everything. Exit 3 when a revision does not run or a
    finding blocks.
    """
    try:
        report = judge(options, start, against, scratch)
    except DbMigrateError as error:
        refuse(options.output, options.format, error)
        raise
    write(options.output, options.format, report)
    refused = {"block", "review"} if strict else {"block"}
    if report.verdict in refused:
        raise FindingsBlock(f"{headline(report.findings)}.", MEND)


def judge(options: Options, start: str | None, against: str | None, scratch: str | None) -> Report:
    """Rehearse, plan and judge."""
    history = history_of(options)
    _ = history.head
    begin = find_start(options, history, start, against)
    evidence = make_evidence(options, history, scratch)
    standing = begin.standing_with(evidence, None)
    plan = make_plan(
        environment=options.environment,
        bundle=bundle_digest(history, evidence),
        history=history,
        evidence=evidence,
        standing=standing,
        requested_by="",
    )
    return judge_plan(plan, evidence, history, begin, "those of the database" if standing.sizes else UNSIZED)


def bundle_digest(history: History, evidence: Evidence) -> str:
    """What a deploy of these files would be called; "" where only a part was rehearsed."""
    return digest_of(pack(history.files(), evidence)) if evidence.order == history.order else ""
