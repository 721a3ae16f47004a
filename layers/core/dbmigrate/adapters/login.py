"""Logs in to PostgreSQL with pg8000: limits travel with the login, so no session is ever without them."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from typing import Any

import pg8000.dbapi

from dbmigrate.adapters.target import Limits, Target
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    LoginFailed,
    Misconfigured,
    NoConnectionFree,
    PoolerFound,
    ReaderFound,
)

CONNECT_SECONDS = 10
LOGIN_CODES = {"28P01", "28000", "3D000", "42501"}
# What poolers answer to session settings in the login: protocol violation, unknown setting, not supported.
SETTINGS_REFUSED = {"08P01", "42704", "0A000", "22023"}
NO_SLOT = "53300"  # too_many_connections: of the server, of the database or of the role
NO_ENTRY = "28000"  # pg_hba.conf has no line for such a connection
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Idle seconds before the first probe, seconds between probes, probes: a vanished host is noticed after 11 s.
KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}
# *.proxy-….eu-west-1.rds.amazonaws.com, and the further endpoints that one proxy may have.
PROXY = re.compile(r"\.proxy-[a-z0-9]+\.[a-z0-9-]+\.rds\.amazonaws\.com(?:\.cn)?\.?$", re.IGNORECASE)
WHO_ANSWERS = """
SELECT pg_backend_pid(), pg_is_in_recovery(), current_setting('transaction_read_only') = 'on'
"""
DIRECTLY = "connect to PostgreSQL itself: the writer's own endpoint, not a pooler and not RDS Proxy"


def open_raw(target: Target, limits: Limits) -> Any:
    """A pg8000 connection to the writer itself, with its limits set.

    Raises DatabaseUnreachable, LoginFailed, PoolerFound, ReaderFound, or Misconfigured for an unreadable
    certificate file.
    """
    if PROXY.search(target.host):
        raise PoolerFound(f"{target.host} is an RDS Proxy, which shares its sessions.", DIRECTLY)
    tls, password = tls_context(target), target.password()
    try:
        raw = _login(target, password, limits, tls)
    except (pg8000.dbapi.InterfaceError, OSError) as error:
        raise _unanswered(target, error) from error
    except pg8000.dbapi.DatabaseError as error:
        raise _refused(target, error) from error
    except AttributeError as error:
        # pg8000 meets a server that asks for a password and has none to encode.
        if password is not None:
            raise
        raise _login_failed(target, "it asks for a password and none was given") from error
    try:
        _close_wholly(raw)
        _read_safely(raw)
        _keep_alive(raw)
        _refuse_others(raw, target)
    except pg8000.dbapi.InterfaceError as error:
        raw.close()
        raise _unanswered(target, error) from error
    except BaseException:
        raw.close()
        raise
    return raw


def tls_context(target: Target) -> ssl.SSLContext | None:
    """How the server must prove itself; None where it need not. Raises Misconfigured."""
    if target.tls == "off":
        return None
    try:
        context = ssl.create_default_context(cafile=target.ca)
        # Python 3.13 asks of every certificate what libpq's verify-full never asked; chain and host name
        # are checked all the same.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context
    except OSError as error:
        raise Misconfigured(
            f"The certificates in {target.ca} cannot be read: {error}.",
            "name the PEM file of the server's authority: ...?sslmode=verify-full&sslrootcert=FILE",
        ) from error


def _login(target: Target, password: str | None, limits: Limits, tls: ssl.SSLContext | None) -> Any:
    """pg8000 tries TLS where none is asked for, and reads the system's certificates first, which takes longer
    than the rest of connecting. On the machine itself TLS is only tried when the server (at the far end of a
    tunnel, say) insists."""
    if tls is not None or target.host not in LOOPBACK:
        return _connect(target, password, limits, tls)
    try:
        return _connect(target, password, limits, False)
    except pg8000.dbapi.DatabaseError as error:
        if facts_of(error).get("C") != NO_ENTRY:
            raise
        return _connect(target, password, limits, None)


def _connect(target: Target, password: str | None, limits: Limits, tls: ssl.SSLContext | bool | None) -> Any:
    return pg8000.dbapi.connect(
        user=target.user,
        host=target.host,
        port=target.port,
        database=target.name,
        password=password,
        timeout=CONNECT_SECONDS,
        ssl_context=tls,
        application_name=limits.application[:63],
        startup_params=limits.settings(),
    )


def facts_of(error: BaseException | None) -> dict[str, str]:
    """The fields of PostgreSQL's answer: C the code, M the message, D the detail, H the hint."""
    given = error.args[0] if error is not None and error.args else None
    return given if isinstance(given, dict) else {}


def _unanswered(target: Target, error: Exception) -> DatabaseUnreachable:
    cause = error.__cause__ or error
    return DatabaseUnreachable(
        f"No PostgreSQL answers at {target.host}:{target.port} ({str(cause) or type(cause).__name__}).",
        "check that the server runs and that --database, or the stack's DatabaseHost and network, lead to it",
    )


def _refused(target: Target, error: Exception) -> Exception:
    facts = facts_of(error)
    said = facts.get("M", str(error))
    if facts.get("C") in LOGIN_CODES:
        return _login_failed(target, said)
    if facts.get("C") in SETTINGS_REFUSED:
        return PoolerFound(
            f"{target.host}:{target.port} takes no session settings ({said}): "
            "it is a pooler, or a server before version 14.",
            DIRECTLY,
        )
    if facts.get("C") == NO_SLOT:
        return _no_slot(target, said)
    hint = "look at the server's log, then try again"
    return DatabaseUnreachable(f"PostgreSQL at {target.host}:{target.port} refused: {said}.", hint)


def _no_slot(target: Target, said: str) -> NoConnectionFree:
    return NoConnectionFree(
        f"PostgreSQL at {target.host}:{target.port} has no connection left: {said}.",
        "lower the application's pool or end idle sessions; from version 16 on, keep some free for us: "
        f"reserved_connections = 3, and GRANT pg_use_reserved_connections TO {target.user}",
    )


def _login_failed(target: Target, said: str) -> LoginFailed:
    return LoginFailed(
        f"PostgreSQL at {target.host}:{target.port} refused the login: {said}.",
        "check user, password and database name (or, on AWS, rds_iam and rds-db:connect of this role)",
    )


def _close_wholly(raw: Any) -> None:
    """pg8000 closes a broken connection's socket but not the file upon it, which keeps the descriptor."""
    close, file = raw.close, raw._sock

    def close_both() -> None:
        try:
            # There is nobody left to say goodbye to, and that it broke was told already.
            with contextlib.suppress(pg8000.dbapi.InterfaceError):
                close()
        finally:
            with contextlib.suppress(OSError, ValueError):
                file.close()

    raw.close = close_both


class _Wire:
    """pg8000 1.31.6 calls a write that fails a broken connection, and lets the system's own error out where
    the first read of an answer does: nobody above would know what that is."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> Any:
        try:
            return self._file.read(size)
        except OSError as error:
            raise pg8000.dbapi.InterfaceError("network error") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _read_safely(raw: Any) -> None:
    raw._sock = _Wire(raw._sock)


def _keep_alive(raw: Any) -> None:
    usock = raw._usock
    usock.settimeout(None)
    usock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            usock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _refuse_others(raw: Any, target: Target) -> None:
    """A pooler invents the process id of the login; PostgreSQL's own is that of the process that answers.
    A reader would pass every check of a run and fail at its first write, after people were asked."""
    ((answering, standby, read_only),) = execute_outside(raw, WHO_ANSWERS)
    _refuse_pooler(raw, answering)
    if standby or read_only:
        raise _reader(target, standby)


def _refuse_pooler(raw: Any, answering: int) -> None:
    invented = int.from_bytes((raw._backend_key_data or b"")[:4], "big")
    if answering != invented:
        raise PoolerFound(
            f"Process {invented} let us in and another one answers: a pooler or proxy shares its sessions.",
            DIRECTLY,
        )


def _reader(target: Target, standby: bool) -> ReaderFound:
    where = f"{target.host}:{target.port}"
    if standby:
        return ReaderFound(
            f"{where} takes no writes: it replays another server.",
            "name the writer: on Aurora the cluster endpoint (.cluster-, not .cluster-ro-), on RDS the "
            "instance that is nobody's replica",
        )
    return ReaderFound(
        f"{where} takes no writes: default_transaction_read_only is on for {target.user} in {target.name}.",
        f"ALTER ROLE {target.user} SET default_transaction_read_only = off (a server that is a reader as a "
        "whole stays one: then name the writer)",
    )


def execute_outside(raw: Any, statements: str) -> list[list[Any]]:
    """Run statements outside of any transaction, unseen by SQLAlchemy; returns the rows."""
    was, raw.autocommit = raw.autocommit, True
    cursor = raw.cursor()
    try:
        cursor.execute(statements)
        return [list(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        cursor.close()
        raw.autocommit = was
