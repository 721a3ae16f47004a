"""`db-migrate validate`: what the revisions would do, seen on a scratch PostgreSQL."""

from __future__ import annotations

import click

from dbmigrate.adapters.history import History
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import FindingsBlock
from dbmigrate.domain.evidence import Evidence
from dbmigrate.domain.standing import Standing
from dbmigrate.domain.words import counted
from dbmigrate.service.make_plan import check_history, make_plan
from dbmigrate_cli.context import history_of, try_database
from dbmigrate_cli.evidence import make_evidence
from dbmigrate_cli.options import Options
from dbmigrate_cli.plan_report import plan_json, show_plan
from dbmigrate_cli.shared_options import scratch_option


@click.command("validate")
@click.option("--from", "start", metavar="REV", help='Show what comes after this revision; "base" shows all.')
@scratch_option
@click.pass_obj
def command(options: Options, start: str | None, scratch: str | None) -> None:
    """Rehearse the whole history up, down and up again, and show what the pending revisions do.

    Shown are the revisions that the database has not, or all when no database can be reached. Exit 3 when a
    revision does not run or a finding blocks.
    """
    history = history_of(options)
    _ = history.head
    live = None if start else standing_of(options, history)
    _refuse_strange_start(history, start)
    evidence = make_evidence(options, history, scratch)
    standing = live or imagined(evidence, start)
    digest = digest_of(pack(history.files(), evidence))
    plan = make_plan(
        environment=options.environment,
        bundle=digest,
        history=history,
        evidence=evidence,
        standing=standing,
        requested_by="",
    )
    options.output.result(**plan_json(plan, evidence))
    show_plan(options.output, plan, evidence)
    blocking = [finding for finding in plan.findings if finding["severity"] == "block"]
    if blocking:
        raise FindingsBlock(
            f"{counted(len(blocking), 'finding')} must not reach production.",
            "db-migrate validate, after mending",
        )


def standing_of(options: Options, history: History) -> Standing | None:
    """Where the environment's database stands; None when it cannot be asked from here."""
    if not options.direct:
        options.output.note(
            f"Without --database all revisions are shown; a deploy to {options.environment} judges its own."
        )
        return None
    standing = try_database(options, lambda database: database.look())
    if standing is not None:
        check_history(history, standing)
    return standing


def imagined(evidence: Evidence, start: str | None) -> Standing:
    """An empty database at a revision, as the rehearsal left it."""
    current = () if start in (None, "base") else (str(start),)
    return Standing(
        current=current,
        catalog=evidence.catalog_at(current),
        kept=None,
        applied={},
        runs=(),
        sizes={},
        invalid_indexes=(),
        server_major=evidence.server_major,
        server=str(evidence.server_major),
    )


def _refuse_strange_start(history: History, start: str | None) -> None:
    if start not in (None, "base") and start not in history.revisions:
        raise click.BadParameter(f"revision '{start}' is not in {history.folder.name}.", param_hint="--from")
