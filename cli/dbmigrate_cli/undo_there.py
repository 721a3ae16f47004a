"""Rollbacks in staging and production: a run, or everything above a revision, undone by a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.standing import DIRECT
from dbmigrate_cli.context import history_of
from dbmigrate_cli.deploy_there import AwsStack, follow, reached
from dbmigrate_cli.evidence import evidence_for_bundle
from dbmigrate_cli.options import Options

if TYPE_CHECKING:
    from dbmigrate_cli.local import LocalStack


@dataclass(frozen=True)
class Undo:
    """What is to be undone: a run, or all above a revision; and whether losing data by it is accepted."""

    run: str | None
    to: str | None
    accept_loss: bool = False


def undo_there(options: Options, undo: Undo, requested_by: str, name: str | None, local: bool) -> None:
    """Start the run that goes back, and follow it. Raises RunEnded unless it succeeded."""
    options.local = local
    with reached(options, name, local, False) as stack:
        run = undo.run or _newest(options, stack)
        digest = stack.bundle_of(run) or _bundle_again(options, stack, run)
        wanted: dict[str, Any] = {"bundle": digest, "requested_by": requested_by}
        wanted |= {"rollback_of": undo.run} if undo.run else {"rollback_to": undo.to}
        if undo.accept_loss:
            wanted["accept_loss"] = True
        started = stack.start(f"{options.environment}-rollback-{digest[7:19]}", wanted)
        follow(options, stack, started, requested_by)


def _newest(options: Options, stack: LocalStack | AwsStack) -> str:
    """The run whose bundle has everything that is applied. Raises BadRequest when nothing was."""
    for run in stack.ledger():
        if run["direction"] == "upgrade" and run["revisions"] and run["bundle"] != DIRECT:
            return str(run["run"])
    raise BadRequest(
        f"No run of {options.environment} has applied anything.", f"{options.command} status{options.flag}"
    )


def _bundle_again(options: Options, stack: LocalStack | AwsStack, run: str) -> str:
    """A stand-in forgets what ran; the ledger does not, and the same files make the same bundle.

    Raises BadRequest when nobody knows the run.
    """
    digest = stack.recorded_bundle(run)
    if digest is None:
        raise BadRequest(f"{options.environment} has no run {run}.", f"{options.command} runs{options.flag}")
    history = history_of(options)
    content = pack(history.files(), evidence_for_bundle(options, history, None))
    if digest_of(content) != digest:
        raise BadRequest(
            f"Run {run} had other migrations than {options.migrations} holds now.",
            "check out the files of that run (git checkout), then the same command again",
        )
    stack.upload(content)
    return digest
