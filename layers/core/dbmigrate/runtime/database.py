"""Builds the database side of the handlers. Apart from wiring, because it imports SQLAlchemy and Alembic."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from dbmigrate.adapters.bundle_folder import unpack_into
from dbmigrate.adapters.connection import Limits, Target
from dbmigrate.adapters.database import Database
from dbmigrate.adapters.history import History
from dbmigrate.adapters.steering import Steering
from dbmigrate.domain.evidence import Evidence
from dbmigrate.runtime import wiring
from dbmigrate.runtime.settings import settings

MARGIN_MS = 15_000
"""PostgreSQL cancels this long before Lambda would kill, so that the function can still say what happened."""


def database(context: Any) -> Database:
    """The environment's database, with statements bounded by the invocation's remaining time."""
    given = settings()
    left = max(context.get_remaining_time_in_millis() - MARGIN_MS, 1000)
    limits = Limits(
        lock=given.lock_timeout_ms,
        statement=left,
        deadline=time.monotonic() + left / 1000,
        slice=given.slice_seconds,
    )
    return Database(_target(), given.environment, limits, wiring.handles())


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


def _target() -> Target:
    given = settings()
    secret = _secret(given.database_secret_arn) if given.database_secret_arn else None
    return Target(
        host=given.database_host,
        port=given.database_port,
        name=given.database_name,
        user=secret["username"] if secret else given.database_user,
        password=lambda: secret["password"] if secret else _iam_token(),
        tls=given.database_tls,
        ca=given.database_ca or None,
    )


def _iam_token() -> str:
    """A new token: signed here, without a call, and good for 15 minutes."""
    given = settings()
    token: str = wiring.client("rds").generate_db_auth_token(
        DBHostname=given.database_host, Port=given.database_port, DBUsername=given.database_user
    )
    return token


def _secret(arn: str) -> dict[str, str]:
    """Read at every cold start and every connection attempt, so that a rotated password is taken at once."""
    text = wiring.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    values: dict[str, str] = json.loads(text)
    return values
