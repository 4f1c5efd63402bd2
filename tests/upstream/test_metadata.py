"""A Provider's metadata: found, checked, kept fresh, and kept a while when it cannot be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.domain.errors import Fault
from broker.upstream.http import Transport
from broker.upstream.line import Line
from broker.upstream.metadata import FRESH_SECONDS, LAST_GOOD_SECONDS, MetadataCache, known_by_heart, read_metadata
from providers import PROVIDERS
from providers.spec import Authentication
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.provider import Json
from tests.fakes.providers.trip import LOOPBACK, Trip, trip_to

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


@pytest.fixture
async def cache(trip: Trip[FakeOpenIdProvider]) -> AsyncIterator[MetadataCache]:
    transport = Transport(allow_private_addresses=LOOPBACK)
    yield MetadataCache(trip.registration, Line(transport), trip.clock)
    await transport.close()


async def ill(_: Request) -> Response:
    return JSONResponse({}, 500)


def bend(trip: Trip[FakeOpenIdProvider], **changed: object) -> None:
    trip.fake.bend_metadata = lambda document: {n: v for n, v in (document | changed).items() if v is not None}


async def test_metadata_is_asked_for_once_an_hour(trip: Trip[FakeOpenIdProvider], cache: MetadataCache) -> None:
    """However many ask at the same time."""
    found = await asyncio.gather(*(cache.get() for _ in range(20)))
    assert len(set(map(id, found))) == 1
    trip.clock.at += FRESH_SECONDS - 1
    await cache.get()
    assert trip.fake.requests["discovery"] == 1

    trip.clock.at += 1
    await asyncio.gather(*(cache.get() for _ in range(20)))
    assert trip.fake.requests["discovery"] == 2


async def test_a_clock_that_steps_back_makes_it_stale(trip: Trip[FakeOpenIdProvider], cache: MetadataCache) -> None:
    """Nothing lives longer for it."""
    await cache.get()
    trip.clock.at -= 3600
    await cache.get()

    assert trip.fake.requests["discovery"] == 2


async def test_who_is_cancelled_does_not_take_the_others_along(
    trip: Trip[FakeOpenIdProvider], cache: MetadataCache
) -> None:
    """The one who asks may go away; another one asks then."""
    first = asyncio.create_task(cache.get())
    second = asyncio.create_task(cache.get())
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).issuer == trip.fake.issuer


async def test_the_last_good_metadata_serves_for_a_day(trip: Trip[FakeOpenIdProvider], cache: MetadataCache) -> None:
    """G19-05: a Provider whose metadata is gone can still be signed in with, if the rest works."""
    known = await cache.get()
    trip.fake.instead["discovery"] = ill
    trip.clock.at += FRESH_SECONDS
    assert await cache.get() is known
    trip.clock.at += LAST_GOOD_SECONDS - FRESH_SECONDS - 1
    assert await cache.get() is known

    trip.clock.at += 1
    with pytest.raises(Fault) as raised:
        await cache.get()
    assert raised.value.code == "provider_unavailable"


async def test_a_provider_that_fails_is_not_asked_by_everybody(
    trip: Trip[FakeOpenIdProvider], cache: MetadataCache
) -> None:
    """For a few seconds all get the same answer; then one asks again."""
    trip.fake.instead["discovery"] = ill
    for _ in range(3):
        results = await asyncio.gather(*(cache.get() for _ in range(10)), return_exceptions=True)
        assert all(isinstance(result, Fault) for result in results)
        assert len(set(map(id, results))) == 10  # an exception is raised once
    assert trip.fake.requests["discovery"] == 1

    del trip.fake.instead["discovery"]
    trip.clock.at += 5
    assert (await cache.get()).issuer == trip.fake.issuer


async def test_a_slow_refresh_does_not_hold_a_sign_in_up(trip: Trip[FakeOpenIdProvider], cache: MetadataCache) -> None:
    """While there is something to go by, two seconds are enough."""

    async def slow(_: Request) -> Response:
        await asyncio.sleep(9)
        return JSONResponse({})

    known = await cache.get()
    trip.fake.instead["discovery"] = slow
    trip.clock.at += FRESH_SECONDS
    began = asyncio.get_running_loop().time()

    assert await cache.get() is known
    assert asyncio.get_running_loop().time() - began < 6


@pytest.mark.parametrize("issuer", ["https://evil.example", "slash", "upper", "", 1, ["us"], None], ids=repr)
async def test_g02_11_a_document_of_another_issuer_is_refused(
    trip: Trip[FakeOpenIdProvider], cache: MetadataCache, issuer: object
) -> None:
    """Nothing is asked of its endpoints."""
    near = {"slash": f"{trip.fake.issuer}/", "upper": trip.fake.issuer.upper()}
    bend(trip, issuer=near.get(issuer, issuer) if isinstance(issuer, str) else issuer)

    with pytest.raises(Fault) as raised:
        await trip.gateway.authorize_url(trip.attempt(), login_hint=None, prompt_login=False)

    assert raised.value.code == "provider_misconfigured"
    assert set(trip.fake.requests) == {"discovery"}


async def test_g02_11_a_document_that_turns_bad_ends_the_good_one(
    trip: Trip[FakeOpenIdProvider], cache: MetadataCache
) -> None:
    """A wrong issuer is no outage: whoever speaks there now is somebody else. When it is right again, so are we."""
    await cache.get()
    bend(trip, issuer="https://evil.example")
    trip.clock.at += FRESH_SECONDS
    with pytest.raises(Fault) as raised:
        await cache.get()
    assert raised.value.code == "provider_misconfigured"

    bend(trip)
    trip.clock.at += 5
    assert (await cache.get()).issuer == trip.fake.issuer


ENDPOINTS = ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"]


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_g19_05_an_endpoint_does_not_move_to_another_origin(
    trip: Trip[FakeOpenIdProvider], cache: MetadataCache, name: str
) -> None:
    """The old ones serve on; the same origin with another path is fine."""
    known = await cache.get()
    bend(trip, **{name: "https://elsewhere.example/endpoint"})
    trip.clock.at += FRESH_SECONDS
    assert await cache.get() is known

    bend(trip, **{name: f"{trip.fake.base}/moved"})
    trip.clock.at += 5
    assert getattr(await cache.get(), name) == f"{trip.fake.base}/moved"


async def test_g19_05_a_provider_may_move_after_a_day(trip: Trip[FakeOpenIdProvider], cache: MetadataCache) -> None:
    """Otherwise only a restart would help."""
    await cache.get()
    bend(trip, token_endpoint="https://elsewhere.example/token")
    trip.clock.at += LAST_GOOD_SECONDS

    assert (await cache.get()).token_endpoint == "https://elsewhere.example/token"


def read(trip: Trip[FakeOpenIdProvider], **changed: object) -> Json:
    return {n: v for n, v in (trip.fake.metadata() | changed).items() if v is not None}


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", ["http://id.example/x", "", 1, "//id.example/x", "javascript:alert(1)"], ids=repr)
async def test_an_endpoint_is_a_url_over_tls(trip: Trip[FakeOpenIdProvider], name: str, url: object) -> None:
    """Also the one that only the browser goes to."""
    with pytest.raises(Fault) as raised:
        read_metadata(trip.registration, read(trip, **{name: url}))

    assert raised.value.code == "provider_misconfigured"
    assert raised.value.detail == f"discovery: {name} is no URL over TLS"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_some_endpoints_must_be_there(trip: Trip[FakeOpenIdProvider], name: str) -> None:
    """Without them nothing can be done."""
    with pytest.raises(Fault):
        read_metadata(trip.registration, read(trip, **{name: None}))


async def test_others_may_be_missing(trip: Trip[FakeOpenIdProvider]) -> None:
    """Then there is no userinfo and no revocation, and no promise to send `iss`."""
    names = ("userinfo_endpoint", "revocation_endpoint", "authorization_response_iss_parameter_supported")
    found = read_metadata(trip.registration, read(trip, **dict.fromkeys(names)))

    assert (found.userinfo_endpoint, found.revocation_endpoint, found.iss_in_callback) == (None, None, False)


@pytest.mark.parametrize("document", [None, [], "x", 1, [{"issuer": "x"}]], ids=repr)
async def test_a_document_is_an_object(trip: Trip[FakeOpenIdProvider], document: object) -> None:
    """Anything else is no metadata."""
    with pytest.raises(Fault, match="no JSON object"):
        read_metadata(trip.registration, document)


@pytest.mark.parametrize(
    ("supported", "way"),
    [
        (None, Authentication.BASIC),
        (["client_secret_basic", "client_secret_post"], Authentication.BASIC),
        (["private_key_jwt", "client_secret_post"], Authentication.POST),
        ("client_secret_post", Authentication.BASIC),
    ],
    ids=repr,
)
async def test_the_way_of_authenticating_is_one_that_the_provider_has(
    trip: Trip[FakeOpenIdProvider], supported: object, way: Authentication
) -> None:
    """Its usual one, or the other."""
    document = read(trip, token_endpoint_auth_methods_supported=supported)

    assert read_metadata(trip.registration, document).authentication is way


@pytest.mark.parametrize("supported", [[], ["private_key_jwt"], ["none"]], ids=repr)
async def test_no_common_way_is_a_misconfiguration(trip: Trip[FakeOpenIdProvider], supported: object) -> None:
    """The secret is not tried where nobody wants it."""
    with pytest.raises(Fault) as raised:
        read_metadata(trip.registration, read(trip, token_endpoint_auth_methods_supported=supported))

    assert raised.value.code == "provider_misconfigured"


async def test_an_issuer_with_a_slash_at_its_end_is_found(trip: Trip[FakeOpenIdProvider]) -> None:
    """OpenID Connect Discovery section 4.1 leaves the slash out of the address, not out of the comparison."""
    transport = Transport(allow_private_addresses=LOOPBACK)
    registration = replace(trip.registration, issuer=f"{trip.fake.base}/")
    bend(trip, issuer=f"{trip.fake.base}/")

    found = await MetadataCache(registration, Line(transport), trip.clock).get()

    await transport.close()
    assert found.issuer == f"{trip.fake.base}/"


async def test_github_is_known_by_heart(trip: Trip[FakeOpenIdProvider]) -> None:
    """There is nothing to ask, and nothing goes stale; an OpenID Provider is not known."""
    registration = replace(trip.registration, provider=PROVIDERS["github"], issuer="https://ghe.example")
    cache = MetadataCache(registration, Line(Transport(allow_private_addresses=())), trip.clock)
    first = await cache.get()
    trip.clock.at += 10 * LAST_GOOD_SECONDS

    assert await cache.get() is first
    assert first.token_endpoint == "https://ghe.example/login/oauth/access_token"
    assert known_by_heart(trip.registration) is None
