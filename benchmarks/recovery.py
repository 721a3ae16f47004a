"""A recovery on the stand-in of a database of 1 GB: what it takes beyond the restore itself.

Shutting the application out, reading every row of the copy, comparing it with the old instance, changing the
names and opening the copy are ours; the restore is the server's and deciding is a person's. Both are told,
and the bound is for the rest: 10 s.

The database has twenty tables. After its backup a thousand rows of one table are deleted and others written,
which is what the comparison has to find. The state machine's waits pass at once; what is worked takes time.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.measure import ROOT, Figure, options, report
from dbmigrate.adapters.connection import target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.recovery_times import PARTS, parts_of
from dbmigrate_cli.approver import Approver
from dbmigrate_cli.demo import PEOPLE, REQUESTED_BY, act, expect
from dbmigrate_cli.follow import Follower
from dbmigrate_cli.local import LocalStack
from dbmigrate_cli.options import Options
from dbmigrate_cli.recovering import start
from dbmigrate_cli.recovery_story import RecoveryStory
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.embedded import EmbeddedPostgres
from dbmigrate_local.parameters import INSTANCE
from dbmigrate_local.stand_in import stand_in

BOUND = 10.0
TABLES = 20
ROW_BYTES = 190  # of a row and its index entries, measured
DATABASE = "measured"
SNAPSHOT = "db-migrate-measured-1"
NOT_OURS = ("restored", "approved")
REVISION = f'''"""Create the tables that are measured.

Rollback: drop them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    for number in range({TABLES}):
        op.create_table(
            f"part_{{number}}",
            sa.Column("id", sa.BigInteger, primary_key=True),
            sa.Column("kind", sa.Integer, nullable=False),
            sa.Column("payload", sa.Text, nullable=False),
        )


def downgrade() -> None:
    for number in range({TABLES}):
        op.drop_table(f"part_{{number}}")
'''


def history(folder: Path) -> Path:
    """A history of one revision."""
    location = folder / "migrations"
    (location / "versions").mkdir(parents=True)
    for name in ("alembic.ini", "env.py", "script.py.mako"):
        shutil.copy(ROOT / "migrations" / name, location)
    (location / "versions" / "0001_create_parts.py").write_text(REVISION)
    return location


@contextmanager
def environment(folder: Path, given: Options, megabytes: int) -> Iterator[LocalStack]:
    """A staging environment whose database has a backup, and has changed since then."""
    with EmbeddedPostgres(find_binaries(), folder / "postgres", {"shared_buffers": "256MB"}) as server:
        server.create_database(DATABASE)
        url = server.url_for(DATABASE)
        cast = DatabaseServer(url, server, server.binaries)
        template = ROOT / "template.yaml"
        with stand_in(template, {"Environment": "staging", **PEOPLE}, cast, folder, pace=0) as cloud:
            stack = LocalStack(
                "staging", "db-migrate-staging", cloud, Database(target_from_url(url), "staging")
            )
            expect(act(given, stack, history(folder)), "Succeeded")
            fill(server, megabytes)
            back_up(stack)
            server.execute("DELETE FROM part_0 WHERE id <= 1000", DATABASE)
            server.execute("INSERT INTO part_0 SELECT -n, 0, 'new' FROM generate_series(1, 1000) n", DATABASE)
            yield stack


def fill(server: EmbeddedPostgres, megabytes: int) -> None:
    rows = megabytes * 1_000_000 // ROW_BYTES // TABLES
    for number in range(TABLES):
        made = f"SELECT n, n % 100, repeat(md5(n::text), 3) FROM generate_series(1, {rows}) n"
        server.execute(f"INSERT INTO part_{number} {made}", DATABASE)
    server.execute("VACUUM ANALYZE", DATABASE)


def back_up(stack: LocalStack) -> None:
    """A snapshot as a run makes it, and its end."""
    rds = stack.client("rds")
    rds.create_db_snapshot(
        DBInstanceIdentifier=INSTANCE,
        DBSnapshotIdentifier=SNAPSHOT,
        Tags=[{"Key": "environment", "Value": "staging"}],
    )
    stack.cloud.until(
        lambda: (
            rds.describe_db_snapshots(DBSnapshotIdentifier=SNAPSHOT)["DBSnapshots"][0]["Status"]
            == "available"
        ),
        120,
        lambda: SNAPSHOT,
    )


def recover(stack: LocalStack, given: Options) -> tuple[dict[str, float], dict[str, int]]:
    """Seconds of each part, and what the comparison found."""
    approver = Approver(stack.cloud, PEOPLE["FirstApprover"], given.output)

    def approve() -> list[str]:
        link = stack.cloud.mailbox.approval_link(PEOPLE["FirstApprover"])
        threading.Thread(target=approver.approve, args=(link,)).start()
        return []

    arn = start(stack, {"snapshot": SNAPSHOT, "requested_by": REQUESTED_BY, "reason": "measured"})
    story = RecoveryStory()
    follower = Follower(given.output, stack.client("stepfunctions"), arn, story, "", 0.5, approve)
    ending = follower.to_the_end()
    if ending.outcome != "Recovered":
        sys.exit(f"The recovery ended as {ending.outcome}: {ending.said}")
    return parts_of(story.times), story.found


def main() -> int:
    parser = options(__doc__, repetitions=1)
    parser.add_argument("--megabytes", type=int, default=1000, help="default: 1000")
    asked = parser.parse_args()
    overheads: list[float] = []
    notes: dict[str, Any] = {}
    for _ in range(asked.repetitions):
        # The rehearsal's own server ends with the context of a command.
        folder_of_trial = tempfile.TemporaryDirectory(prefix="benchmark-recovery-")
        with folder_of_trial as folder, click.Context(click.Command("recovery")):
            Path(folder).chmod(0o755)
            given = Options(environment="staging")
            given.format = "json"  # the story goes to stderr
            with environment(Path(folder), given, asked.megabytes) as stack:
                parts, found = recover(stack, given)
        overheads.append(sum(seconds for part, seconds in parts.items() if part not in NOT_OURS))
        notes = {"parts": {PARTS[part]: seconds for part, seconds in parts.items()}, "rows": found}
    figure = Figure(f"recovery of {asked.megabytes} MB beyond its restore", overheads, (), BOUND, "s", notes)
    return report("recovery", [figure], asked.json)


if __name__ == "__main__":
    sys.exit(main())
