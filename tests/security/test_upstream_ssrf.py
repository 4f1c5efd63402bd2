"""G14-01, and the upstream half of G14-02: a Provider cannot lead the broker into its own network, nor flood it."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from broker.domain.errors import Fault
from broker.domain.outbox import RevocationResult
from broker.upstream.http import Transport
from broker.upstream.line import Line
from broker.upstream.metadata import MetadataCache
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.trip import LOOPBACK, WORK, trip_to
from tests.upstream.raw import RawServer, answer, raw_server, saying

pytestmark = pytest.mark.anyio

JSON = {"Accept": "application/json"}


class Rebinding(AbstractResolver):
    """Names whose addresses are another each time they are asked for; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def victim() -> AsyncIterator[RawServer]:
    """A service inside our own network, which must never be reached."""
    async with raw_server(saying(answer(b'{"secret": "canary-of-the-inside"}'))) as server:
        yield server
        assert server.connections == 0


async def refusal(transport: Transport, url: str) -> Fault:
    try:
        with pytest.raises(Fault) as raised:
            await transport.send("GET", url, what="discovery", headers=JSON)
    finally:
        await transport.close()
    return raised.value


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0127.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "localhost.",
        "app.localhost",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_this_machine_is_not_called(host: str, scheme: str) -> None:
    """In no notation."""
    async with victim() as server:
        fault = await refusal(Transport(allow_private_addresses=()), f"{scheme}://{host}:{server.port}/")

    assert fault.code in {"provider_misconfigured", "provider_unavailable"}


INNER = [
    "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "0.0.0.0", "127.0.0.1",
    "::", "::1", "fe80::1", "fd00:ec2::254", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", INNER)
async def test_a_name_of_an_inner_address_is_not_called(address: str) -> None:
    """What a public name resolves to is what counts."""
    fault = await refusal(
        Transport(allow_private_addresses=(), resolver=Rebinding([address])), "https://id.example/keys"
    )

    assert fault.code == "provider_misconfigured"
    assert fault.detail == "discovery: the address is not one that may be called"
    assert address not in str(fault)


async def test_the_address_that_is_connected_to_is_the_one_that_is_checked() -> None:
    """DNS rebinding: whoever looked the name up before saw a public address."""
    async with victim() as server:
        resolver = Rebinding(["8.8.8.8"], ["127.0.0.1"])
        await resolver.resolve("id.example")
        fault = await refusal(
            Transport(allow_private_addresses=(), resolver=resolver), f"https://id.example:{server.port}/keys"
        )

    assert fault.code == "provider_misconfigured"
    assert resolver.asked == 2


async def test_a_name_that_turns_inner_is_refused_though_it_was_good_before() -> None:
    """Each new connection is checked on its own."""
    async with raw_server(saying(answer(b"{}"))) as good:
        resolver, allowed = Rebinding(["127.0.0.1"], ["127.0.0.2"]), [ip_network("127.0.0.1/32")]
        url = f"http://id.localhost:{good.port}/"
        before = Transport(allow_private_addresses=allowed, resolver=resolver)
        assert (await before.send("GET", url, what="keys", headers=JSON)).status == 200
        await before.close()

        fault = await refusal(Transport(allow_private_addresses=allowed, resolver=resolver), url)
        assert good.connections == 1

    assert fault.code == "provider_misconfigured"


async def test_among_many_addresses_only_allowed_ones_are_tried() -> None:
    """A public name with an inner address beside its public one cannot be used to get in."""
    async with victim() as server:
        resolver = Rebinding(["127.0.0.1", "::1", "10.0.0.1"])
        fault = await refusal(
            Transport(allow_private_addresses=(), resolver=resolver), f"https://id.example:{server.port}/"
        )

    assert fault.code == "provider_misconfigured"


async def test_an_allowed_address_among_others_is_used() -> None:
    """As `localhost` has two, of which the operator may have allowed one."""
    async with raw_server(saying(answer(b"{}"))) as server:
        transport = Transport(allow_private_addresses=LOOPBACK, resolver=Rebinding(["::1", "127.0.0.1"]))
        got = await transport.send("GET", f"http://localhost:{server.port}/", what="keys", headers=JSON)
        await transport.close()

    assert got.status == 200


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "data:application/json,{}",
        "http://id.example/",
        "http://169.254.169.254/latest/meta-data/",
        "https://user@id.example/",
        "https://id.example\\@127.0.0.1/",
        "unix:///var/run/docker.sock",
        "ws://127.0.0.1/",
        "//127.0.0.1/",
        "",
    ],
)
async def test_only_https_is_spoken(url: str) -> None:
    """Whatever else the library could do."""
    assert (await refusal(Transport(allow_private_addresses=LOOPBACK), url)).code == "provider_misconfigured"


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri", "userinfo_endpoint"])
async def test_a_providers_metadata_cannot_point_inside(name: str) -> None:
    """Every URL in it goes the same way as all others."""
    transport = Transport(allow_private_addresses=[ip_network("127.0.0.1/32")])
    async with victim() as server, trip_to(FakeOpenIdProvider, transport=transport) as trip:
        inner = f"https://127.0.0.2:{server.port}/inside"
        trip.fake.bend_metadata = lambda document: document | {name: inner}
        with pytest.raises(Fault) as raised:
            await trip.sign_in("email")

    assert raised.value.code == "provider_misconfigured"


async def test_a_revocation_endpoint_inside_is_not_called() -> None:
    """It stays pending until somebody puts it right."""
    transport = Transport(allow_private_addresses=[ip_network("127.0.0.1/32")])
    async with trip_to(FakeOpenIdProvider, transport=transport) as trip:
        trip.fake.bend_metadata = lambda document: document | {"revocation_endpoint": "https://127.0.0.2/inside"}
        verified = await trip.sign_in("email")

        assert await trip.gateway.revoke(WORK, verified.tokens) is RevocationResult.PENDING


async def test_an_issuer_inside_is_not_discovered() -> None:
    """As an operator of one Client might register it."""
    async with trip_to(FakeOpenIdProvider) as trip:
        transport = Transport(allow_private_addresses=())
        registration = replace(trip.registration, issuer=trip.fake.base)
        with pytest.raises(Fault) as raised:
            await MetadataCache(registration, Line(transport), trip.clock).get()
        await transport.close()

        assert raised.value.code == "provider_misconfigured"
        assert not trip.fake.requests


@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_a_redirect_inside_is_not_followed(status: str) -> None:
    """Nor any other one."""
    async with victim() as server:
        said = answer(b"", f"Location: {server.url}", status=f"{status} Elsewhere")
        async with raw_server(saying(said)) as outer:
            fault = await refusal(Transport(allow_private_addresses=LOOPBACK), outer.url)

    assert fault.detail == "discovery: a redirect, which is never followed"


async def test_bodies_without_end_leave_memory_flat() -> None:
    """G14-02: a hundred of them, one after the other."""

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"[" * 65536)
            await writer.drain()

    transport = Transport(allow_private_addresses=LOOPBACK)
    async with raw_server(flood) as server:
        await flooded(transport, server.url, times=10)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await flooded(transport, server.url, times=100)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await transport.close()

    assert after - before < 32 * 1024  # KiB


async def flooded(transport: Transport, url: str, *, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Fault, match="longer than"):
            await transport.send("GET", url, what="keys", headers=JSON)
