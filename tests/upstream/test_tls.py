"""G19-02: a Provider proves who it is by its certificate, or is not spoken to."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from broker.domain.errors import Fault
from broker.upstream.http import Answer, Transport
from tests.fakes.providers.trip import LOOPBACK
from tests.upstream.raw import answer, raw_server, saying

pytestmark = pytest.mark.anyio

TODAY = datetime.now(UTC)


class Authority:
    """A certificate authority of our own, and servers with its certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        self.certificate = (
            x509.CertificateBuilder(self.name, self.name, self.key.public_key(), 1, TODAY, TODAY + timedelta(days=9))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def trusted(self) -> ssl.SSLContext:
        """What a machine trusts that has this authority in its list."""
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.PEM).decode())

    def server(self, host: str = "localhost", *, until: datetime = TODAY + timedelta(days=1)) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), 2, TODAY - timedelta(days=9), until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        chain = self.folder / f"{host}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def ask(server: ssl.SSLContext, trusted: ssl.SSLContext | None) -> Answer:
    transport = Transport(allow_private_addresses=LOOPBACK, tls=trusted)
    try:
        async with raw_server(saying(answer(b"{}")), tls=server) as raw:
            url = f"https://localhost:{raw.port}/"
            return await transport.send("GET", url, what="keys", headers={"Accept": "application/json"})
    finally:
        await transport.close()
        await asyncio.sleep(0.05)  # for the server's side of the connection to end


async def test_a_server_that_proves_who_it_is_is_spoken_to(authority: Authority) -> None:
    """What the others are compared with."""
    assert (await ask(authority.server(), authority.trusted())).status == 200


async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    """By a second or by a year."""
    with pytest.raises(Fault, match="keys: ClientConnectorCertificateError"):
        await ask(authority.server(until=TODAY - timedelta(seconds=5)), authority.trusted())


async def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    """However trusted its authority is."""
    with pytest.raises(Fault, match="keys: ClientConnectorCertificateError"):
        await ask(authority.server("evil.example"), authority.trusted())


async def test_an_authority_that_the_machine_does_not_trust_is_refused(authority: Authority) -> None:
    """Which is what happens by default."""
    with pytest.raises(Fault, match="keys: ClientConnectorCertificateError"):
        await ask(authority.server(), None)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_of_tls_is_refused(authority: Authority) -> None:
    """TLS 1.1 is spoken by nobody whom one should tell a secret; a client that allows it would get through."""
    old = authority.server()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    lenient = authority.trusted()
    lenient.set_ciphers("ALL:@SECLEVEL=0")
    lenient.minimum_version = ssl.TLSVersion.TLSv1_1

    assert (await ask(old, lenient)).status == 200
    with pytest.raises(Fault):
        await ask(old, authority.trusted())
