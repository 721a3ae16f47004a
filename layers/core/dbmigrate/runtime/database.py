"""Builds the database side of the handlers. Apart from wiring, because it imports SQLAlchemy and Alembic."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dbmigrate.adapters.bundle_folder import unpack_into
from dbmigrate.adapters.connection import Limits, Target
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.fence import Gate
from dbmigrate.adapters.history import History
from dbmigrate.adapters.instance import Instance
from dbmigrate.adapters.restored_copy import RestoredCopy
from dbmigrate.adapters.steering import Steering
from dbmigrate.domain.errors import WrongInstance
from dbmigrate.domain.evidence import Evidence
from dbmigrate.runtime import wiring
from dbmigrate.runtime.settings import settings

MARGIN_MS = 15_000
"""PostgreSQL cancels this long before Lambda would kill, so that the function can still say what happened."""


def database(context: Any, place: tuple[str, int] | None = None) -> Database:
    """The environment's database, with statements bounded by the invocation's remaining time; ``place`` is
    the host and port of a copy of it."""
    given = settings()
    left = max(context.get_remaining_time_in_millis() - MARGIN_MS, 1000)
    limits = Limits(
        lock=given.lock_timeout_ms,
        statement=left,
        deadline=time.monotonic() + left / 1000,
        slice=given.slice_seconds,
    )
    return Database(_target(place), given.environment, limits, wiring.handles())


def gate(context: Any) -> Gate:
    """Who may connect to the environment's instance."""
    return Gate(database(context))


@contextmanager
def instances(context: Any, restored: Mapping[str, Any]) -> Iterator[Instances]:
    """The copy that was restored, and the old instance under the name that the application knows."""
    place = str(restored["host"]), int(restored["port"])
    with Instance(database(context, place)) as copy, Instance(database(context)) as old:
        yield Instances(copy, old, time.monotonic() + _slice(context))


@dataclass(frozen=True)
class Instances:
    """Both, and until when (time.monotonic) they are read in this slice."""

    copy: Instance
    old: Instance
    until: float


def _slice(context: Any) -> float:
    """Half of the invocation at most: what is begun then has the other half to end."""
    left = (context.get_remaining_time_in_millis() - MARGIN_MS) / 2000
    return float(min(settings().slice_seconds, max(left, 1.0)))


def restored_copy(context: Any, restored: Mapping[str, Any]) -> RestoredCopy:
    """The copy at the address that RDS gave it. Raises WrongInstance for that of the database itself."""
    given = settings()
    place = str(restored["host"]), int(restored["port"])
    if place == (given.database_host, given.database_port):
        raise WrongInstance(
            f"{place[0]}:{place[1]} is the database of {given.environment} itself, and no copy of it.",
            "start another drill: db-migrate drill",
        )
    there = database(context, place)
    return RestoredCopy(there.target, there.environment, there.limits)


def steering(context: Any) -> tuple[Steering, float]:
    """How the environment's runs are reached, and for how many seconds to try."""
    patience = (context.get_remaining_time_in_millis() - MARGIN_MS) / 1000
    return Steering(database(context), wiring.handles()), patience


@cache
def open_bundle(digest: str) -> tuple[History, Evidence]:
    """Fetch, check and unpack a bundle; a warm function keeps it."""
    content = wiring.bundle_store().get_bundle(digest)
    return unpack_into(Path(tempfile.mkdtemp(dir=_folder())), content, digest)


@cache
def _folder() -> Path:
    """Where bundles are unpacked, until the process ends."""
    folder = tempfile.mkdtemp(prefix="db-migrate-bundles-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _target(place: tuple[str, int] | None = None) -> Target:
    given = settings()
    host, port = place or (given.database_host, given.database_port)
    secret = _secret(given.database_secret_arn) if given.database_secret_arn else None
    return Target(
        host=host,
        port=port,
        name=given.database_name,
        user=secret["username"] if secret else given.database_user,
        password=lambda: secret["password"] if secret else _iam_token(host, port),
        tls=given.database_tls,
        ca=given.database_ca or None,
    )


def _iam_token(host: str, port: int) -> str:
    """A new token: signed here, without a call, good for this address and for 15 minutes."""
    token: str = wiring.client("rds").generate_db_auth_token(
        DBHostname=host, Port=port, DBUsername=settings().database_user
    )
    return token


def _secret(arn: str) -> dict[str, str]:
    """Read at every cold start and every connection attempt, so that a rotated password is taken at once."""
    text = wiring.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    values: dict[str, str] = json.loads(text)
    return values
