"""Connections to PostgreSQL: every one has its limits before anything else happens on it."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pg8000.dbapi
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from dbmigrate.domain.errors import DatabaseUnreachable, LoginFailed, Misconfigured, PoolerFound

CONNECT_SECONDS = 10
LOGIN_CODES = {"28P01", "28000", "3D000", "42501"}
NO_ENTRY = "28000"  # pg_hba.conf has no line for such a connection
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Idle seconds before the first probe, seconds between probes, probes: a vanished host is noticed after
# about 11 s.
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}


@dataclass(frozen=True)
class Target:
    """Where the database is and who we are there. ``password`` is called once per physical connection: IAM
    tokens live for 15 minutes. ``tls`` is verify-full (with ``ca``, a PEM file) or off."""

    host: str
    port: int
    name: str
    user: str
    password: Callable[[], str | None] = field(repr=False)
    tls: str = "off"
    ca: str | None = None

    @property
    def place(self) -> str:
        """The address as messages show it; never the password."""
        return f"{self.user}@{self.host}:{self.port}/{self.name}"


@dataclass(frozen=True)
class Limits:
    """Session limits in milliseconds. ``statement`` 0 means no limit; the lock limit of statements that run
    outside a transaction (CONCURRENTLY) is its own, because they wait for every older transaction of the
    database."""

    lock: int = 100
    concurrent_lock: int = 600_000
    idle_in_transaction: int = 60_000
    statement: int = 0
    application: str = "db-migrate"


def target_from_url(url: str) -> Target:
    """The target of postgresql://user:password@host:port/name[?sslmode=verify-full&sslrootcert=FILE].

    Raises Misconfigured when the URL is none of PostgreSQL's; the message never repeats the password.
    """
    parts = urlsplit(url)
    hint = "--database postgresql://user:password@host:5432/name"
    if parts.scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise Misconfigured(f"The database URL begins with '{parts.scheme}', not with postgresql://.", hint)
    try:
        port = parts.port or 5432
    except ValueError as error:
        raise Misconfigured("The port in the database URL is no number.", hint) from error
    options = dict(parse_qsl(parts.query))
    name = unquote(parts.path.lstrip("/"))
    if not parts.hostname or not name:
        raise Misconfigured("The database URL names no host or no database.", hint)
    password = unquote(parts.password) if parts.password else None
    strict = options.get("sslmode") in ("verify-full", "verify-ca", "require")
    return Target(
        host=parts.hostname,
        port=port,
        name=name,
        user=unquote(parts.username or "postgres"),
        password=lambda: password,
        tls="verify-full" if strict else "off",
        ca=options.get("sslrootcert"),
    )


def _tls_context(target: Target) -> ssl.SSLContext | None:
    if target.tls == "off":
        return None
    return ssl.create_default_context(cafile=target.ca)


def open_raw(target: Target, limits: Limits) -> Any:
    """A pg8000 connection with its limits set. Raises DatabaseUnreachable, LoginFailed or PoolerFound."""
    try:
        raw = _login(target, limits)
    except (pg8000.dbapi.InterfaceError, OSError) as error:
        raise DatabaseUnreachable(
            f"No PostgreSQL answers at {target.host}:{target.port} ({_reason(error)}).",
            "check that the server runs and that --database, or the stack's DatabaseHost and network, lead to it",
        ) from error
    except pg8000.dbapi.DatabaseError as error:
        raise _refused(target, error) from error
    _keep_alive(raw)
    _set_limits(raw, limits)
    return raw


def _login(target: Target, limits: Limits) -> Any:
    """pg8000 tries TLS where none is asked for, and reads the system's certificates first, which takes longer
    than the rest of connecting. On the machine itself TLS is only tried when the server (at the far end of a
    tunnel, say) insists."""
    if target.tls != "off" or target.host not in LOOPBACK:
        return _connect(target, limits, _tls_context(target))
    try:
        return _connect(target, limits, False)
    except pg8000.dbapi.DatabaseError as error:
        if _facts(error).get("C") != NO_ENTRY:
            raise
        return _connect(target, limits, None)


def _connect(target: Target, limits: Limits, tls: ssl.SSLContext | bool | None) -> Any:
    return pg8000.dbapi.connect(
        user=target.user,
        host=target.host,
        port=target.port,
        database=target.name,
        password=target.password(),
        timeout=CONNECT_SECONDS,
        ssl_context=tls,
        application_name=limits.application[:63],
    )


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__


def _facts(error: Exception) -> dict[str, str]:
    """The fields of PostgreSQL's answer."""
    return error.args[0] if error.args and isinstance(error.args[0], dict) else {}


def _refused(target: Target, error: Exception) -> Exception:
    facts = _facts(error)
    said = facts.get("M", str(error))
    if facts.get("C") in LOGIN_CODES:
        hint = "check user, password and database name (or, on AWS, rds_iam and rds-db:connect of this role)"
        return LoginFailed(f"PostgreSQL at {target.host}:{target.port} refused the login: {said}.", hint)
    hint = "look at the server's log, then try again"
    return DatabaseUnreachable(f"PostgreSQL at {target.host}:{target.port} refused: {said}.", hint)


def _keep_alive(raw: Any) -> None:
    usock = raw._usock
    usock.settimeout(None)
    usock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            usock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _set_limits(raw: Any, limits: Limits) -> None:
    settings = {
        "lock_timeout": limits.lock,
        "idle_in_transaction_session_timeout": limits.idle_in_transaction,
        "statement_timeout": limits.statement,
        "client_connection_check_interval": 1000,
    }
    raw.autocommit = True
    cursor = raw.cursor()
    try:
        cursor.execute(
            "SELECT "
            + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
        )
    except pg8000.dbapi.DatabaseError as error:
        raise PoolerFound(
            f"The server does not take session settings ({error}): this looks like a pooler or a server before version 14.",
            "connect to PostgreSQL itself: the writer's own endpoint, not a pooler and not RDS Proxy",
        ) from error
    finally:
        cursor.close()
    raw.autocommit = False


def engine_for(target: Target, limits: Limits) -> Engine:
    """An engine that opens a connection of its own each time, with the limits and the autocommit repair."""
    engine = create_engine(
        "postgresql+pg8000://", creator=lambda: open_raw(target, limits), poolclass=NullPool
    )
    _repair_autocommit(engine, limits)
    return engine


def _repair_autocommit(engine: Engine, limits: Limits) -> None:
    """Alembic's autocommit_block asks for the isolation level first; on pg8000 that opens a transaction which
    switching to autocommit does not close, and CONCURRENTLY then fails. Seen with alembic 1.20.1, SQLAlchemy
    2.1.9, pg8000 1.31.6."""

    @event.listens_for(engine, "set_connection_execution_options")
    def _close_the_open_transaction(connection: Connection, options: dict[str, Any]) -> None:
        if "isolation_level" not in options:
            return
        raw: Any = connection.connection.driver_connection
        outside = options["isolation_level"] == "AUTOCOMMIT"
        if outside and raw._in_transaction:
            raw.rollback()
        if outside:
            connection.info["autocommit_used"] = True
        was, raw.autocommit = raw.autocommit, True
        cursor = raw.cursor()
        cursor.execute(f"SET lock_timeout = {limits.concurrent_lock if outside else limits.lock}")
        cursor.close()
        raw.autocommit = was


@contextlib.contextmanager
def connected(target: Target, limits: Limits) -> Iterator[Connection]:
    """One connection, closed at the end whatever happens."""
    engine = engine_for(target, limits)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
