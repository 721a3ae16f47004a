"""An environment on this machine: the stand-in's stack, its mailbox, and what it proves to the next one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

import dbmigrate_local
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import Misconfigured
from dbmigrate_cli.context import FOLDER, address, own_database, own_server
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import Stack
from dbmigrate_local.cloud import Cloud
from dbmigrate_local.database import DatabaseServer
from dbmigrate_local.snapshots import trim_snapshots
from dbmigrate_local.stand_in import stand_in

PROOFS = "succeeded/"
NO_BACKUP = (
    "warning: the server of --database is not the stand-in's own, so the snapshot of this run holds no data, "
    "though it is called available. Back that database up yourself first."
)


class LocalStack(Stack):
    """How a run on the stand-in is followed: its mail is ours to read."""

    interval = 0.25

    def __init__(self, environment: str, name: str, cloud: Cloud, database: Database) -> None:
        super().__init__(environment, name, cloud.client)
        self.cloud, self.database = cloud, database

    def links(self) -> list[str]:
        """The newest approval link of each approver."""
        newest = {mail.recipient: mail.link for mail in self.cloud.mailbox.mails if mail.link}
        return [f"{recipient}: {link}" for recipient, link in newest.items()]

    def remembers(self, run: str) -> bool:
        """The stand-in forgets what ran, but the ledger does not, and a run moves nothing after its end."""
        return self.recorded_bundle(run) is not None

    def recorded_bundle(self, run: str) -> str | None:
        """The digest of the run's bundle, as the database remembers it."""
        return next((str(known["bundle"]) for known in self.database.runs() if known["run"] == run), None)

    def interrupted(self, run: str) -> str:
        return f"Stopped. {run} ended with the stand-in; begin again with the same command."


@contextlib.contextmanager
def local_stack(options: Options, real_time: bool) -> Iterator[LocalStack]:
    """The environment's template, deployed here for as long as the block lasts."""
    template = template_file()
    server = local_database(options)
    database = Database(address(options, server.url, "--database"), options.environment)
    folder = (FOLDER / "stand-in" / options.environment).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"The stand-in keeps its mail below {FOLDER}, which cannot be written: {error.strerror}.",
            "run it in a folder of your own, with --migrations DIR",
        ) from error
    if server.embedded is None:
        options.output.complain(NO_BACKUP)
    options.output.note(f"Deploying {template.name} for {options.environment} on this machine …")
    parameters = {"Environment": options.environment}
    with stand_in(template, parameters, server, folder, pace=1.0 if real_time else 0.0) as cloud:
        stack = LocalStack(options.environment, f"db-migrate-{options.environment}", cloud, database)
        options.output.note(f"E-mails lie in {FOLDER}/stand-in/{options.environment}/mailbox.")
        bring_proofs(stack)
        try:
            yield stack
        finally:
            take_proofs(stack)


def template_file() -> Path:
    """template.yaml of this folder, else of the stand-in's checkout. Raises Misconfigured."""
    places = (Path("template.yaml"), Path(dbmigrate_local.__file__).parents[2] / "template.yaml")
    for place in places:
        if (place.parent / "statemachine" / "migration.asl.json").is_file():  # another project's has none
            return place.resolve()
    raise Misconfigured("There is no template.yaml here.", "run it in a checkout of db-migrate")


def local_database(options: Options) -> DatabaseServer:
    """--database, else the environment's own in our own server."""
    if options.url is not None:
        return DatabaseServer(options.url)
    url, server = own_database(options), own_server(options)
    trim_snapshots(server)
    return DatabaseServer(url, server, server.binaries)


def bring_proofs(stack: LocalStack) -> None:
    """Give production's preceding bucket what staging proved here before."""
    bucket = stack.parameters.get("PrecedingBucket")
    for path in (FOLDER / PROOFS).rglob("*.json") if bucket else ():
        key = PROOFS + path.relative_to(FOLDER / PROOFS).as_posix()
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=path.read_bytes())


def take_proofs(stack: LocalStack) -> None:
    """Keep the proofs of success beyond the stand-in's life."""
    s3, bucket = stack.client("s3"), stack.output("BundleBucketName")
    with contextlib.suppress(ClientError):
        listed: dict[str, Any] = s3.list_objects_v2(Bucket=bucket, Prefix=PROOFS)
        for entry in listed.get("Contents", ()):
            path = FOLDER / entry["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read())
