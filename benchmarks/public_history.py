"""Another project's history through `db-migrate deploy`, and whether it ends where the project's own way
ends.

Counts, not times: how many revisions ran, in how many ways the two catalogs differ (each way is printed),
and how many revisions pass the rehearsal of `db-migrate validate` (up, down and up again leave the same
catalogs). Run it in the environment in which the project is installed, because revisions import their
project: docs/benchmarks.md has the procedure. Without --database it starts a PostgreSQL of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config

from benchmarks.measure import options
from dbmigrate.adapters import catalog
from dbmigrate.adapters.connection import Limits, connected, target_from_url
from dbmigrate.adapters.history import load_history
from dbmigrate.adapters.rehearsal import rehearse
from dbmigrate.domain.catalog import Catalog
from dbmigrate.domain.drift import describe_drift
from dbmigrate.domain.evidence import Evidence
from dbmigrate_local.embedded import embedded_postgres, quoted

PROGRAMS = Path(sysconfig.get_path("scripts"))
SHOWN = 20
STDERR = 2  # standard output is for the counts


def deploy(migrations: Path, url: str) -> None:
    """Our way, as users type it. Raises subprocess.CalledProcessError."""
    arguments: list[str | Path] = ["--migrations", migrations, "--database", url, "deploy"]
    subprocess.run([PROGRAMS / "db-migrate", *arguments], check=True, stdout=STDERR)


def project_way(migrations: Path, url: str, reference: str | None) -> None:
    """The project's command, or else plain `alembic upgrade head` through the project's own env.py."""
    if reference:
        address = url.partition("://")[2]
        words = shlex.split(reference.format(url=url, address=address))
        subprocess.run(words, check=True, stdout=STDERR, env=os.environ)
        return
    config = Config(migrations / "alembic.ini" if (migrations / "alembic.ini").exists() else None)
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("sqlalchemy.url", url)
    command.upgrade(config, "head")


def catalog_of(url: str) -> Catalog:
    with connected(target_from_url(url), Limits()) as connection:
        return catalog.snapshot(connection)


def rehearsed(migrations: Path, url: str) -> Evidence:
    """What `db-migrate validate` sees on a scratch database."""

    def tell(done: int, total: int, revision: str) -> None:
        if done % 20 == 0:
            print(f"rehearsed {done} of {total}", file=sys.stderr)

    return rehearse(load_history(migrations), target_from_url(url), tell)


@contextlib.contextmanager
def databases(url: str | None) -> Iterator[Sequence[str]]:
    """Three empty databases on the given server, or on one that lives as long as this; dropped at the end."""
    names = ["public_ours", "public_theirs", "public_scratch"]
    with contextlib.ExitStack() as stack:
        if url is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="public-history-"))
            url = stack.enter_context(embedded_postgres(Path(folder))).url
        for name in names:
            execute(url, f"CREATE DATABASE {quoted(name)}")
            stack.callback(execute, url, f"DROP DATABASE {quoted(name)} WITH (FORCE)")
        yield [urlsplit(url)._replace(path=f"/{name}").geturl() for name in names]


def execute(url: str, statement: str) -> None:
    with connected(target_from_url(url), Limits()) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(statement)


def try_history(given: Any, urls: Sequence[str]) -> dict[str, Any]:
    ours, theirs, scratch = urls
    project_way(given.migrations, theirs, given.reference)
    deploy(given.migrations, ours)
    evidence = rehearsed(given.migrations, scratch)
    one_way = {r.revision: r.round_trip_error for r in evidence.revisions.values() if not r.round_trip}
    found, history = catalog_of(ours), load_history(given.migrations)
    return {
        "package": f"{given.package} {version(given.package)}",
        "revisions": len(evidence.order),
        "statements": sum(len(r.sql) for r in evidence.revisions.values()),
        "outside_transactions": sum(r.autocommit for r in evidence.revisions.values()),
        "objects": sum(map(len, found.values())),
        "differences": describe_drift(catalog_of(theirs), found),
        "unforeseen": describe_drift(evidence.catalog_at(history.heads), found),
        "round_trips": len(evidence.order) - len(one_way),
        "one_way": one_way,
    }


def show(found: dict[str, Any]) -> None:
    print(
        f"{found['package']}: {found['revisions']} revisions, {found['statements']} statements, "
        f"{found['outside_transactions']} revisions outside transactions"
    )
    different = len(found["differences"])
    print(f"{found['objects']} catalog objects, {different} differences from the project's own way")
    print(f"{len(found['unforeseen'])} differences from what the rehearsal foresaw")
    for line in [*found["differences"], *found["unforeseen"]][:SHOWN]:
        print(f"    {line}")
    print(f"{found['round_trips']} of {found['revisions']} go up, down and up again")
    for revision, why in found["one_way"].items():
        print(f"    but {revision}: {why}")


def main() -> int:
    parser = options(__doc__, repetitions=1)
    parser.add_argument("--package", required=True, help="the installed distribution, for the report")
    parser.add_argument("--migrations", required=True, type=Path, help="its Alembic script location")
    parser.add_argument("--database", metavar="URL", help="a server on which databases may be created")
    parser.add_argument(
        "--reference",
        metavar="COMMAND",
        help="the project's own command; {url} and {address} (user@host:port/name) are filled in",
    )
    given = parser.parse_args()
    with databases(given.database) as urls:
        found = try_history(given, urls)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 1 if found["differences"] or found["unforeseen"] else 0


if __name__ == "__main__":
    sys.exit(main())
