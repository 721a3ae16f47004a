"""Limits on every connection, and what is said when there is none."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.project import rows, until

from dbmigrate.adapters import login
from dbmigrate.adapters.connection import Limits, Target, open_raw, target_from_url
from dbmigrate.adapters.database import Database
from dbmigrate.domain.errors import (
    DatabaseUnreachable,
    DbMigrateError,
    LoginFailed,
    Misconfigured,
    PoolerFound,
)

LIMITS = Limits(lock=70, idle_in_transaction=8000, statement=9000, application="db-migrate run-7")
SETTINGS = (
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "statement_timeout",
    "client_connection_check_interval",
    "application_name",
)


def shown(raw: Any) -> list[str]:
    cursor = raw.cursor()
    cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS))
    (row,) = cursor.fetchall()
    raw.rollback()
    return list(row)


def test_every_session_has_its_limits_and_reset_returns_to_them(database: str) -> None:
    with contextlib.closing(open_raw(target_from_url(database), LIMITS)) as raw:
        expected = ["70ms", "8s", "9s", "1s", "db-migrate run-7"]
        assert shown(raw) == expected
        login.execute_outside(raw, "SET lock_timeout = 0; SET statement_timeout = 0")
        login.execute_outside(raw, "RESET ALL")
        assert shown(raw) == expected


def test_probes_notice_a_vanished_host(database: str) -> None:
    with contextlib.closing(open_raw(target_from_url(database), LIMITS)) as raw:
        assert raw._usock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert raw._usock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
        assert raw._usock.gettimeout() is None


def test_a_session_is_named_after_its_run(database: str) -> None:
    with Database(target_from_url(database), "development").session("db-migrate run-9"):
        assert ("db-migrate run-9",) in rows(database, "SELECT application_name FROM pg_stat_activity")


def test_nobody_answers(database: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        target = replace(target_from_url(database), port=port)
        with pytest.raises(DatabaseUnreachable, match=f"No PostgreSQL answers at 127.0.0.1:{port}.*refused"):
            open_raw(target, LIMITS)


def test_an_address_that_is_none(database: str) -> None:
    target = replace(target_from_url(database), host="no-such-host.invalid")
    with pytest.raises(DatabaseUnreachable, match="No PostgreSQL answers at no-such-host.invalid"):
        open_raw(target, LIMITS)


def test_a_missing_database_is_named(database: str) -> None:
    with pytest.raises(LoginFailed, match='database "nowhere" does not exist') as failed:
        open_raw(replace(target_from_url(database), name="nowhere"), LIMITS)
    assert failed.value.exit_code == 2


@pytest.fixture
def guarded(postgres: Any, database: str) -> Iterator[Callable[[str | None], Target]]:
    """Targets of a role whose password the server asks for."""
    rules = postgres.data / "pg_hba.conf"
    before = rules.read_text()
    postgres.execute("CREATE ROLE guarded LOGIN PASSWORD 'right-secret'")
    rules.write_text("host all guarded 127.0.0.1/32 scram-sha-256\n" + before)
    reload_rules(postgres, "guarded")
    yield lambda password: replace(target_from_url(database), user="guarded", password=lambda: password)
    rules.write_text(before)
    reload_rules(postgres, None)
    postgres.execute("DROP ROLE guarded")


def reload_rules(postgres: Any, user: str | None) -> None:
    loaded = rows(postgres.url, "SELECT pg_conf_load_time()")
    postgres.execute("SELECT pg_reload_conf()")
    until(lambda: rows(postgres.url, "SELECT pg_conf_load_time()") != loaded)


def test_the_right_password_lets_us_in(guarded: Callable[[str | None], Target]) -> None:
    open_raw(guarded("right-secret"), LIMITS).close()


@pytest.mark.parametrize("password", ["wrong-secret", None])
def test_a_wrong_password_is_refused_and_never_told(
    guarded: Callable[[str | None], Target], password: str | None
) -> None:
    with pytest.raises(LoginFailed) as failed:
        open_raw(guarded(password), LIMITS)
    told = f"{failed.value!r} {failed.value} {failed.value.__cause__!r} {guarded(password)!r}"
    assert "secret" not in told
    assert "password" in failed.value.message


class Proxy:
    """A server in between that may change what passes: ``said`` sees PostgreSQL's answers."""

    def __init__(self, port: int, said: Callable[[bytes], bytes]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.said = self.listener.getsockname()[1], said
        self.server = socket.create_connection(("127.0.0.1", port))
        self.threads = [threading.Thread(target=self._serve)]
        self.threads[0].start()

    def _serve(self) -> None:
        self.client, _ = self.listener.accept()
        back = threading.Thread(target=self._pump, args=(self.server, self.client, self.said))
        back.start()
        self._pump(self.client, self.server, lambda block: block)
        back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, change: Callable[[bytes], bytes]) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(change(block))
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.threads[0].join()
        for each in (self.client, self.server, self.listener):
            each.close()


@pytest.fixture
def through(database: str) -> Iterator[Callable[[Callable[[bytes], bytes]], Target]]:
    proxies: list[Proxy] = []

    def make(said: Callable[[bytes], bytes]) -> Target:
        proxies.append(Proxy(target_from_url(database).port, said))
        return replace(target_from_url(database), port=proxies[-1].port)

    yield make
    for proxy in proxies:
        proxy.close()


def invented_key(block: bytes) -> bytes:
    """As poolers do: BackendKeyData of their own."""
    at = block.find(b"K" + struct.pack("!i", 12))
    return block if at < 0 else block[: at + 5] + struct.pack("!ii", 4_000_001, 7) + block[at + 13 :]


def no_settings(block: bytes) -> bytes:
    """As PgBouncer does with a setting in the login that it does not know."""
    fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: lock_timeout\0\0"
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


def test_a_tunnel_is_no_pooler(through: Callable[[Callable[[bytes], bytes]], Target]) -> None:
    open_raw(through(lambda block: block), LIMITS).close()


@pytest.mark.parametrize("said", [invented_key, no_settings])
def test_a_pooler_is_refused(
    through: Callable[[Callable[[bytes], bytes]], Target], said: Callable[[bytes], bytes]
) -> None:
    with pytest.raises(PoolerFound) as failed:
        open_raw(through(said), LIMITS)
    assert "not a pooler and not RDS Proxy" in failed.value.hint


def test_a_missing_certificate_file_is_named(database: str) -> None:
    target = replace(target_from_url(database), tls="verify-full", ca="/nowhere/ca.pem")
    with pytest.raises(Misconfigured, match="certificates in /nowhere/ca.pem cannot be read"):
        open_raw(target, LIMITS)


def test_a_server_without_tls_is_refused_when_tls_is_wanted(database: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="Server refuses SSL"):
        open_raw(replace(target_from_url(database), tls="verify-full"), LIMITS)


def test_a_url_becomes_a_target() -> None:
    target = target_from_url(
        "postgresql+psycopg://ann:p%23%2Fw@db.example:6000/my%20db?sslmode=require&sslrootcert=x"
    )
    assert (target.host, target.port, target.name, target.user) == ("db.example", 6000, "my db", "ann")
    assert (target.password(), target.tls, target.ca) == ("p#/w", "verify-full", "x")
    assert target.place == "ann@db.example:6000/my db"
    plain = target_from_url("postgres://db.example/x")
    assert (plain.port, plain.user, plain.password(), plain.tls) == (5432, "postgres", None, "off")


@pytest.mark.parametrize(
    "url",
    ["", "luro", "mysql://ann:s3cret@h/x", "postgresql://ann:s3cret@h", "postgresql://ann:s3cret@/x",
     "postgresql://ann:s3#cret@h/x", "postgresql://ann:s3cret@h:99999/x", "postgresql://ann:s3cret@[::1/x",
     "postgresql://ann:p@s3/cret@h/x", "postgresql://ann:12#s3@h/x", "postgresql://ann:12?s3@h/x",
     "postgresql://ann:p@h/x?sslmode=verify"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as failed:
        target_from_url(url)
    assert "s3" not in str(failed.value)


def test_errors_tell_where_they_come_from(tmp_path: Path) -> None:
    assert issubclass(PoolerFound, Misconfigured) and issubclass(Misconfigured, DbMigrateError)


def test_every_connection_mints_a_token_of_its_own(
    guarded: Callable[[str | None], Target], postgres: Any
) -> None:
    """A token of RDS lives for 15 minutes; here each new one ends those before it."""
    minted: list[str] = []

    def mint() -> str:
        minted.append(f"token-{len(minted)}")
        postgres.execute(f"ALTER ROLE guarded PASSWORD '{minted[-1]}'")
        return minted[-1]

    database = Database(replace(guarded(None), password=mint), "development")
    for number in (1, 2):
        database.current()
        assert len(minted) == number, "one for each physical connection"
    with pytest.raises(LoginFailed):
        open_raw(guarded("token-0"), LIMITS)
