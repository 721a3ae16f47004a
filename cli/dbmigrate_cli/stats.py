"""Sizes of live tables for this command: from a file, from the database, from its stack; and the speed of a
server."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from dbmigrate.adapters.calibration import calibrate
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.storage import free_bytes
from dbmigrate.domain.costs import Model
from dbmigrate.domain.errors import BadRequest
from dbmigrate.domain.stats import WRITE_ONE, Stats
from dbmigrate_cli.context import FOLDER, address, scratch_server
from dbmigrate_cli.options import Options
from dbmigrate_cli.stack import Stack, aws_errors, open_stack


def read_stats(path: Path) -> Stats:
    """The stats of a file. Raises BadRequest, which names the file, the table and the key."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadRequest(f"The stats file {path} cannot be read: {error}.", WRITE_ONE) from error
    return Stats.from_json(values, str(path))


def stats_of_stack(options: Options, name: str | None) -> Stats:
    """What the stack's inspect function knows, with the free storage where we may ask for it."""
    with aws_errors(options):
        stack = open_stack(options, name)
        found = Stats.from_json(stack.sizes(), f"the answer of {stack.name}")
    return replace(found, free_bytes=free_storage(options, stack))


def free_storage(options: Options, stack: Stack) -> int | None:
    """The free storage of the stack's database in bytes; None, with a note, where nobody tells."""
    instance = stack.parameters.get("DatabaseInstance")
    if not instance:
        options.output.note("An Aurora volume grows by itself: free storage is not compared.")
        return None
    try:
        found = free_bytes(stack.client("cloudwatch"), instance)
    except (ClientError, BotoCoreError) as error:
        options.output.note(f"Free storage of {instance} is unknown: {error} Going on without it.")
        return None
    if found is None:
        options.output.note(f"CloudWatch knows no free storage of {instance}.")
    return found


def calibrated(options: Options, database: Database) -> Model:
    """Try how fast the database's server is, and remember it in this folder."""
    options.output.note(f"Trying how fast {database.target.host} is: about ten seconds.")
    with database.session("db-migrate calibrate") as connection:
        model = calibrate(connection)
    with contextlib.suppress(OSError):
        FOLDER.mkdir(parents=True, exist_ok=True)
        _kept().write_text(json.dumps(model.to_json(), indent=2))
    return model


def calibrate_scratch(options: Options, scratch: str | None) -> Model:
    """The same on the server that revisions are rehearsed on."""
    url = scratch_server(options).url if scratch is None else scratch
    return calibrated(options, Database(address(options, url, "--scratch"), "development"))


def known_model() -> Model | None:
    """The model of the last calibration in this folder."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        return Model.from_json(json.loads(_kept().read_text()))
    return None


def _kept() -> Path:
    return FOLDER / "model.json"
