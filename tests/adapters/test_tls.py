"""TLS verify-full against a real server: its authority and its name both count."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.adapters.servers import own_server

from dbmigrate.adapters.connection import Limits, Target, open_raw, target_from_url
from dbmigrate.adapters.login import execute_outside
from dbmigrate.domain.errors import DatabaseUnreachable
from dbmigrate_local.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[2]
RDS_ROOTS = ROOT / "layers/core/certificates/rds-global-bundle.pem"
PEM = serialization.Encoding.PEM


class Authority:
    """One that signs the certificates of servers."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(self.name, self.key, x509.BasicConstraints(True, None))

    def server(self, host: str) -> tuple[bytes, bytes]:
        """A server's certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(name, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        plain = serialization.NoEncryption()
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain)
        return certificate.public_bytes(PEM), private

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self.name, name, key.public_key(), x509.random_serial_number())
        return (
            builder.not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(extension, critical=False)
            .sign(self.key, hashes.SHA256())
        )


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("the right authority")


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[EmbeddedPostgres]:
    """A server that proves itself as localhost, which is one of its two names."""
    settings = {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key"}
    certificate, key = authority.server("localhost")
    with own_server(settings, {"server.pem": certificate, "server.key": key}) as server:
        yield server


@pytest.fixture
def verified(server: EmbeddedPostgres, tmp_path: Path) -> Callable[[str, bytes], Target]:
    """Targets by host and the authorities that count."""

    def target(host: str, roots: bytes) -> Target:
        (tmp_path / "roots.pem").write_bytes(roots)
        plain = target_from_url(server.url)
        return replace(plain, host=host, tls="verify-full", ca=str(tmp_path / "roots.pem"))

    return target


def test_the_right_name_and_authority_let_us_in(
    verified: Callable[[str, bytes], Target], authority: Authority
) -> None:
    raw = open_raw(verified("localhost", authority.certificate.public_bytes(PEM)), Limits())
    try:
        (encrypted,) = execute_outside(raw, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    finally:
        raw.close()
    assert encrypted == [True]


def test_another_name_is_refused(verified: Callable[[str, bytes], Target], authority: Authority) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"certificate.*127\.0\.0\.1"):
        open_raw(verified("127.0.0.1", authority.certificate.public_bytes(PEM)), Limits())


@pytest.mark.parametrize("other", ["somebody else", "Amazon"])
def test_another_authority_is_refused(verified: Callable[[str, bytes], Target], other: str) -> None:
    somebody = Authority("the right authority").certificate.public_bytes(PEM)
    roots = RDS_ROOTS.read_bytes() if other == "Amazon" else somebody
    with pytest.raises(DatabaseUnreachable, match="certificate verify failed"):
        open_raw(verified("localhost", roots), Limits())


def test_the_layer_brings_the_roots_of_rds() -> None:
    context = ssl.create_default_context(cafile=str(RDS_ROOTS))
    names = [str(certificate["subject"]) for certificate in context.get_ca_certs()]
    assert len(names) > 50 and all("Amazon" in name for name in names)
    template = (ROOT / "template.yaml").read_text()
    assert "DATABASE_CA: /opt/certificates/rds-global-bundle.pem" in template
    assert "cp -R certificates" in (ROOT / "layers/core/Makefile").read_text()
