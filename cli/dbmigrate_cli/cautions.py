"""What is asked and said before a run is started: cheaper here than in the machine, which asks again."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass

from botocore.exceptions import ClientError

from dbmigrate.domain.errors import DbMigrateError, ForceRefused
from dbmigrate.domain.evidence import Evidence
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import Stack


@dataclass(frozen=True)
class Request:
    """What the caller asks of a deploy."""

    force: bool
    reason: str | None
    requested_by: str
    scratch: str | None = None
    yes: bool = False
    terminate_blockers: bool = False


def note_other_major(options: Options, stack: Stack, evidence: Evidence) -> None:
    """Catalogs of two major versions are written differently, so they are not compared. Not being able to ask
    is no reason to stop: the run itself will say why."""
    with contextlib.suppress(DbMigrateError, ClientError):
        live = int(stack.inspect()["server"].split(".")[0])
        if live != evidence.server_major:
            options.output.note(
                f"Rehearsed on PostgreSQL {evidence.server_major}, but {options.environment} runs {live}: "
                f"the catalogs will not be compared. Better: --scratch URL of a PostgreSQL {live}."
            )


def refuse_hopeless_force(options: Options, request: Request) -> None:
    """No environment with people takes a force without a reason, or one that ends sessions. Raises
    ForceRefused at once."""
    if request.force and not (request.reason or "").strip():
        raise ForceRefused(
            f"{options.environment} takes --force only with a reason; it is announced to everyone.",
            f'{options.command} deploy{options.flag} --force --reason "why it cannot wait"',
        )
    if request.force and request.terminate_blockers:
        raise ForceRefused(
            "--terminate-blockers ends sessions only with an approval, which --force skips.",
            f"{options.command} deploy{options.flag} --terminate-blockers",
        )


def refuse_closed_glass(options: Options, stack: Stack, request: Request) -> None:
    """The state machine refuses it, too; here it costs no rehearsal. Asks a person at the terminal."""
    if not request.force:
        return
    if options.environment == "production" and stack.parameters.get("BreakGlass") != "yes":
        raise ForceRefused(
            "production does not allow --force: its stack has BreakGlass=no.",
            f"{options.command} deploy{options.flag} (or, in an emergency: sam deploy … BreakGlass=yes)",
        )
    if sys.stdin.isatty() and not request.yes:
        from dbmigrate_cli.commands.reset import confirm

        confirm(
            f"Skip the approval in {options.environment}? Everyone will be told.",
            f'{options.command} deploy{options.flag} --force --reason "…" --yes',
        )
