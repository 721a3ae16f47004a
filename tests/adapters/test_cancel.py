"""A statement is cancelled without a login: over every kind of address, and with every connection in use."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.adapters.project import until

from dbmigrate.adapters.cancel import handle_of, send_cancel
from dbmigrate.adapters.connection import Limits, Target, open_raw, target_from_url
from dbmigrate.adapters.login import execute_outside, facts_of
from dbmigrate.domain.errors import DatabaseUnreachable
from dbmigrate_local.binaries import find_binaries
from dbmigrate_local.embedded import EmbeddedPostgres

LIMITS = Limits(application="db-migrate run-1")
SLEEP = "SELECT pg_sleep(60)"
CANCELED = "57014"


class Sleeper:
    """A session of ours in a long statement, and how that ends."""

    def __init__(self, target: Target) -> None:
        self.raw = open_raw(target, LIMITS)
        self.handle = handle_of(self.raw)
        self.code = ""
        self.thread = threading.Thread(target=self._sleep, daemon=True)
        self.thread.start()

    def _sleep(self) -> None:
        try:
            execute_outside(self.raw, SLEEP)
        except Exception as error:
            self.code = facts_of(error).get("C", repr(error))

    def end(self, target: Target, **other: Any) -> str:
        """Cancel until it hears of it: a request may come before the statement."""

        def heard() -> bool:
            send_cancel(target, replace(self.handle, **other))
            self.thread.join(0.05)
            return not self.thread.is_alive()

        until(heard)
        self.raw.close()
        return self.code


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server with few connections."""
    settings = {"max_connections": "4", "superuser_reserved_connections": "1", "max_wal_senders": "0"}
    folder = tmp_path_factory.mktemp("narrow")
    with EmbeddedPostgres(find_binaries(), folder, settings | {"autovacuum": "off"}) as server:
        yield server


def identify(folder: Path) -> bytes:
    """Give a server a key and a certificate for localhost; returns the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A server that speaks TLS, and the certificate to know it by."""
    folder = tmp_path_factory.mktemp("secured")
    server = EmbeddedPostgres(find_binaries(), folder)
    server.start()
    server.stop()
    known = folder / "known.pem"
    known.write_bytes(identify(server.data))
    for file in (server.data / "server.key", server.data / "server.crt"):
        file.chmod(0o600)
        os.chown(file, server.data.stat().st_uid, server.data.stat().st_gid)
    server.settings["ssl"] = "on"
    with server:
        yield server, known


def test_a_statement_is_cancelled_and_its_session_lives_on(database: str) -> None:
    target = target_from_url(database)
    with contextlib.closing(open_raw(target, LIMITS)) as raw:
        send_cancel(target, handle_of(raw))
        assert execute_outside(raw, "SELECT 1") == [[1]]
    assert Sleeper(target).end(target) == CANCELED


def test_a_handle_tells_where_and_whose_the_session_is(database: str) -> None:
    target = target_from_url(database)
    with contextlib.closing(open_raw(target, LIMITS)) as raw:
        handle = handle_of(raw)
        assert [[handle.pid]] == execute_outside(raw, "SELECT pg_backend_pid()")
    assert (handle.host, handle.port, handle.application) == ("127.0.0.1", target.port, "db-migrate run-1")


def test_another_secret_cancels_nothing(database: str) -> None:
    target = target_from_url(database)
    sleeper = Sleeper(target)
    send_cancel(target, replace(sleeper.handle, secret=sleeper.handle.secret ^ 1))
    sleeper.thread.join(0.3)
    assert sleeper.thread.is_alive()
    assert sleeper.end(target) == CANCELED


def test_it_needs_no_free_connection(narrow: EmbeddedPostgres) -> None:
    target = target_from_url(narrow.url)
    sleeper = Sleeper(target)
    with contextlib.ExitStack() as taken:
        for _ in range(3):
            taken.enter_context(
                contextlib.closing(pg8000.native.Connection("postgres", "127.0.0.1", "postgres", narrow.port))
            )
        with pytest.raises(DatabaseUnreachable, match="too many clients"):
            open_raw(target, LIMITS)
        assert sleeper.end(target) == CANCELED


def test_it_goes_over_tls_where_the_target_does(secured: tuple[EmbeddedPostgres, Path]) -> None:
    server, known = secured
    target = replace(target_from_url(server.url), host="localhost", tls="verify-full", ca=str(known))
    sleeper = Sleeper(target)
    stranger = replace(target, host="elsewhere.example")
    with pytest.raises(DatabaseUnreachable, match="elsewhere.example"):
        send_cancel(stranger, sleeper.handle)
    assert sleeper.end(target) == CANCELED


def test_a_server_that_speaks_no_tls_is_not_told_the_secret(database: str, tmp_path: Path) -> None:
    plain = target_from_url(database)
    with (
        contextlib.closing(open_raw(plain, LIMITS)) as raw,
        pytest.raises(DatabaseUnreachable, match="does not speak TLS"),
    ):
        send_cancel(replace(plain, tls="verify-full"), handle_of(raw))


def test_nobody_listens(database: str) -> None:
    target = target_from_url(database)
    with contextlib.closing(open_raw(target, LIMITS)) as raw:
        handle = replace(handle_of(raw), port=1)
    with pytest.raises(DatabaseUnreachable, match="127.0.0.1:1 .*refused"):
        send_cancel(target, handle)
