"""`make demo-recovery`: a revision deletes what it should not, and the data come back.

Rows are written all the time, a destructive revision goes through staging, more rows are written, and
`db-migrate recover --before-run` takes the database back to just before it. Everything is the real thing but
AWS itself: the restore is a second PostgreSQL that replays the first one's log, and the application is really
shut out."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import dbmigrate_local
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import DbMigrateError
from dbmigrate.domain.recovery_times import PARTS, parts_of, total_of
from dbmigrate_cli.approver import Approver
from dbmigrate_cli.context import FOLDER
from dbmigrate_cli.demo import PACE, PEOPLE, REQUESTED_BY, ROOT, act, expect, heading
from dbmigrate_cli.demo_application import ROLE, Application, bodies, moment_of
from dbmigrate_cli.failures import INTERRUPTED, report_bug, report_error
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.local import LocalStack, template_file
from dbmigrate_cli.options import Options
from dbmigrate_cli.recovering import request_of, start
from dbmigrate_cli.recovery_story import RecoveryStory
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.stand_in import stand_in

DESTRUCTIVE = Path(dbmigrate_local.__file__).parent / "demo_destructive"
DATABASE = "demo"
POSTS = 300  # that the application writes before the revision, and again after it
GRANTS = f"""CREATE ROLE {ROLE} LOGIN; GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT ON users TO {ROLE}; GRANT SELECT, INSERT ON posts TO {ROLE}"""


@dataclass
class Figures:
    """What the demo counted: posts whose commit was answered before the destructive revision, how many of
    them that deleted, how many are there again and how many are not, what only the old instance has; and
    seconds."""

    committed_before: int
    destroyed: int
    recovered: int
    lost: int
    only_on_old: int
    rto_seconds: float
    outage_seconds: float
    rto_parts: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "rto_parts": dict(self.rto_parts)}


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Print the figures as one line of JSON; all else goes to stderr."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(as_json: bool, debug: bool) -> None:
    """A revision deletes what it should not, and the data come back."""
    options = Options(environment="staging", migrations=ROOT / "migrations", debug=debug)
    options.format = "json" if as_json else "text"
    try:
        figures = play(options)
    except DbMigrateError as error:
        sys.exit(report_error(error, options))
    except KeyboardInterrupt:
        options.output.complain(f"\nStopped. What it made stays in {FOLDER}; the next demo begins anew.")
        sys.exit(INTERRUPTED)
    except Exception as error:
        sys.exit(report_bug(error, options))
    if as_json:
        import json

        click.echo(json.dumps(figures.to_json()))


def play(options: Options) -> Figures:
    """The whole story; returns its figures."""
    folder = (FOLDER / "demo-recovery").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    output = options.output
    with EmbeddedPostgres(find_binaries(), folder / "postgres") as server:
        server.create_database(DATABASE)
        cast = DatabaseServer(server.url_for(DATABASE), server, server.binaries)
        output.say(
            f"PostgreSQL runs on port {server.port}. Deploying template.yaml with the staging policy …"
        )
        with stand_in(
            template_file(), {"Environment": "staging", **PEOPLE}, cast, folder, pace=PACE
        ) as cloud:
            database = Database(target_from_url(server.url_for(DATABASE)), "staging")
            stack = LocalStack("staging", "db-migrate-staging", cloud, database)
            heading(output, "1. The sample history goes through staging, and an application writes")
            expect(act(options, stack, ROOT / "migrations"), "Succeeded")
            server.execute((ROOT / "migrations" / "seed.sql").read_text(), DATABASE)
            server.execute(GRANTS, DATABASE)
            application = Application("127.0.0.1", server.port, DATABASE)
            application.start()
            try:
                return emergency(options, stack, server, application)
            finally:
                application.stop()


def emergency(
    options: Options, stack: LocalStack, server: EmbeddedPostgres, application: Application
) -> Figures:
    """From the bad revision to the table at the end."""
    output = options.output
    application.until_written(POSTS)
    heading(output, "2. A revision deletes more than it says, and everybody approves it")
    with tempfile.TemporaryDirectory() as folder:
        bad = act(options, stack, with_destructive_revision(Path(folder)))
    expect(bad, "Succeeded")
    left = bodies(server.url_for(DATABASE))
    application.until_written(POSTS)
    heading(output, "3. Somebody misses the posts: db-migrate recover --before-run")
    request = request_of(stack, {"before_run": bad.run, "reason": "0017 deleted posts"}, REQUESTED_BY)
    arn, story = start(stack, request), RecoveryStory(stack.audience(REQUESTED_BY))
    approver = Approver(stack.cloud, PEOPLE["FirstApprover"], output)
    states = stack.client("stepfunctions")
    follower = Follower(output, states, arn, story, "db-migrate status", 0.1, lambda: approver.ask())
    ending = follower.to_the_end()
    approver.leave()
    if ending.outcome != "Recovered":
        raise AssertionError(f"the recovery ended as {ending.outcome}: {ending.said}")
    application.until_written(10)
    moment = moment_of(request["time"])
    before, now = application.before(moment), bodies(server.url_for(DATABASE))
    figures = Figures(
        committed_before=len(before),
        destroyed=len(before - left),
        recovered=len(before & now),
        lost=len(before - now),
        only_on_old=story.found["only_on_old"],
        rto_seconds=total_of(story.times) or 0.0,
        outage_seconds=round(application.outage, 3),
        rto_parts=parts_of(story.times),
    )
    check(figures, before, now, bodies(stack.cloud.instances.url(story.plan["kept"], DATABASE)))
    show(options, figures, story.plan["kept"])
    return figures


def check(figures: Figures, before: set[str], now: set[str], on_old: set[str]) -> None:
    """A demo that shows something else than it says must not look well. Raises AssertionError."""
    if figures.lost or not figures.destroyed:
        raise AssertionError(f"{figures.lost} posts are lost, e.g. {sorted(before - now)[:5]}")
    if on_old & now or len(on_old) != figures.only_on_old:
        told = f"{figures.only_on_old} rows were told as only there"
        raise AssertionError(f"the old instance has {len(on_old)} posts of its own, and {told}")


def with_destructive_revision(folder: Path) -> Path:
    """The sample history and the revision that deletes too much."""
    copy = folder / "migrations"
    shutil.copytree(ROOT / "migrations", copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in DESTRUCTIVE.glob("*.py"):
        shutil.copy(path, copy / "versions")
    return copy


def show(options: Options, figures: Figures, kept: str) -> None:
    """The table at the end."""
    output = options.output
    heading(output, "What became of the posts")
    rows = [
        ("committed before the revision", str(figures.committed_before)),
        ("deleted by it", str(figures.destroyed)),
        ("there again", str(figures.recovered)),
        ("lost", str(figures.lost)),
        (f"rows only on the old instance, kept as {kept}", str(figures.only_on_old)),
    ]
    rows += [(f"RTO: {PARTS[part]}", f"{seconds:.1f} s") for part, seconds in figures.rto_parts.items()]
    rows += [
        ("RTO: together", f"{figures.rto_seconds:.1f} s"),
        ("the application could not write for", f"{figures.outage_seconds:.1f} s"),
    ]
    output.table(("", "count"), rows)


if __name__ == "__main__":
    sys.exit(main())
