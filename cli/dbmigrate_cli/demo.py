"""`make demo`: the sample history goes through the whole pipeline on this machine, and then a revision fails.

Everything is the real thing but AWS itself: the template, the state machine, the handlers under their IAM
policies, a PostgreSQL server, the approval page. The state machine's waits are shortened; what is worked
takes its time."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import dbmigrate_local
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import load_history
from dbmigrate.domain.bundle import digest_of, pack
from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.words import counted
from dbmigrate_cli.approver import Approver
from dbmigrate_cli.context import FOLDER, own_server
from dbmigrate_cli.evidence import evidence_for_bundle
from dbmigrate_cli.failures import INTERRUPTED, report_bug, report_error
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.local import LocalStack, template_file
from dbmigrate_cli.options import Options
from dbmigrate_cli.outcomes import Ending
from dbmigrate_cli.story import Story
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.snapshots import trim_snapshots
from dbmigrate_local.stand_in import stand_in

ROOT = Path(dbmigrate_local.__file__).parents[2]
FAILING = Path(dbmigrate_local.__file__).parent / "demo_revisions"
PACE = 1 / 60  # the share of each wait that really passes: half a second for the backup's 30 s
REQUESTED_BY = "developer@example.com"
PEOPLE = {"FirstApprover": "ada@example.com", "NotificationEmail": "team@example.com"}
SEEDED = ("users", "api_keys", "conversations", "messages", "posts")


@dataclass
class Act:
    """One run of the demo and how it ended."""

    run: str
    ending: Ending
    story: Story
    seconds: float
    decided_by: str | None


@click.command()
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """The whole pipeline on this machine, with the sample history and a revision that fails."""
    options = Options(environment="staging", migrations=ROOT / "migrations", debug=debug)
    try:
        play(options)
    except DbMigrateError as error:
        sys.exit(report_error(error, options))
    except KeyboardInterrupt:
        options.output.complain(f"\nStopped. What it made stays in {FOLDER}; the next demo begins anew.")
        sys.exit(INTERRUPTED)
    except Exception as error:
        sys.exit(report_bug(error, options))


def play(options: Options) -> None:
    """Both acts and the summary."""
    output = options.output
    server = own_server(options)
    trim_snapshots(server)
    server.drop_database("demo")
    server.create_database("demo")
    database = Database(target_from_url(server.url_for("demo")), "staging")
    cast = DatabaseServer(server.url_for("demo"), server, server.binaries)
    mailbox = FOLDER / "demo"
    output.say(f"PostgreSQL runs on port {server.port}, its data lie in {FOLDER}/postgres.")
    output.say("Deploying template.yaml with the staging policy on this machine …")
    parameters = {"Environment": "staging", **PEOPLE}
    with stand_in(template_file(), parameters, cast, mailbox.resolve(), pace=PACE) as cloud:
        stack = LocalStack("staging", "db-migrate-staging", cloud, database)
        output.say(f"The state machine's waits are shortened {1 / PACE:.0f} times; all else takes its time.")
        heading(output, "1. The sample history goes through staging")
        first = act(options, stack, ROOT / "migrations")
        expect(first, "Succeeded")
        server.execute((ROOT / "migrations" / "seed.sql").read_text(), "demo")
        before = rows(server)
        heading(output, "2. A revision fails on real rows, and staging undoes the run by itself")
        with tempfile.TemporaryDirectory() as folder:
            second = act(options, stack, with_failing_revisions(Path(folder)))
        expect(second, "RolledBack")
        if rows(server) != before:
            raise AssertionError("the rows are not what they were before the failed run")
        heading(output, "Summary")
        output.fields(summary(stack, [first, second], before))


def act(options: Options, stack: LocalStack, migrations: Path) -> Act:
    """Rehearse, bundle, start, follow, decide."""
    output, started_at = options.output, time.monotonic()
    history = load_history(migrations)
    content = pack(history.files(), evidence_for_bundle(options, history, None))
    digest = digest_of(content)
    stack.upload(content)
    wanted = {"bundle": digest, "requested_by": REQUESTED_BY}
    started = stack.start(f"staging-{digest[7:19]}", wanted)
    story = Story(stack.audience(REQUESTED_BY))
    approver = Approver(stack.cloud, PEOPLE["FirstApprover"], output)
    follower = Follower(
        output,
        stack.client("stepfunctions"),
        started.arn,
        story,
        "db-migrate status",
        0.1,
        lambda: approver.ask(),
    )
    ending = follower.to_the_end()
    approver.leave()
    return Act(started.run, ending, story, time.monotonic() - started_at, story.approved_by)


def with_failing_revisions(folder: Path) -> Path:
    """The sample history and two more revisions, of which the second fails where two keys have one name."""
    copy = folder / "migrations"
    shutil.copytree(ROOT / "migrations", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in FAILING.glob("*.py"):
        shutil.copy(path, copy / "versions")
    return copy


def rows(server: Any) -> dict[str, list[Any]]:
    """Every seeded row, as text."""
    return {
        table: [row[0] for row in server.execute(f"SELECT t::text FROM {table} t ORDER BY 1", "demo")]
        for table in SEEDED
    }


def expect(act: Act, outcome: str) -> None:
    """A demo that shows something else than it says must not look well."""
    if act.ending.outcome != outcome:
        raise AssertionError(f"the run ended as {act.ending.outcome}, not as {outcome}: {act.ending.said}")


def heading(output: Any, text: str) -> None:
    output.say()
    output.say(text, bold=True)


def summary(stack: LocalStack, acts: Sequence[Act], kept: dict[str, list[Any]]) -> list[tuple[str, str]]:
    """What happened, for people."""
    first, second = acts
    mails = stack.cloud.mailbox.mails
    return [
        (
            "first run",
            f"{counted(len(first.story.done), 'revision')} in {first.seconds:.1f} s, {first.ending.outcome}",
        ),
        ("second run", f"{second.ending.outcome} in {second.seconds:.1f} s; the database is as before"),
        ("rows", ", ".join(f"{table} {len(found)}" for table, found in kept.items()) + ": all unchanged"),
        ("backups", ", ".join(act.story.backup or "none" for act in acts)),
        ("approved by", first.decided_by or "nobody"),
        ("e-mails", "\n".join(f"{mail.recipient}: {mail.subject}" for mail in mails)),
        ("kept in", f"{FOLDER}/demo/mailbox (e-mails), {FOLDER}/postgres (data)"),
        ("try next", "bin/db-migrate deploy, then bin/db-migrate status"),
    ]


if __name__ == "__main__":
    sys.exit(main())
