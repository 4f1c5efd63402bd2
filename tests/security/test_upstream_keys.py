"""G09: a Provider's keys change, fail, and are garbage."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from broker.domain.errors import BrokerError, Fault, Refusal
from broker.upstream.http import Transport
from broker.upstream.keys import FRESH_SECONDS, LAST_GOOD_SECONDS, MAX_KEYS, KeyCache, parse_key
from broker.upstream.line import Line
from tests.fakes.providers.keys import key
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.trip import LOOPBACK, WORK, Trip, trip_to

pytestmark = pytest.mark.anyio


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


@pytest.fixture
async def cache(trip: Trip[FakeOpenIdProvider]) -> AsyncIterator[KeyCache]:
    transport = Transport(allow_private_addresses=LOOPBACK)
    yield KeyCache(WORK, Line(transport), trip.clock)
    await transport.close()


async def ill(_: Request) -> Response:
    return JSONResponse({}, 500)


def sign_with(trip: Trip[FakeOpenIdProvider], kid: str, *, publish: bool) -> None:
    trip.fake.key = key(kid)
    if publish:
        trip.fake.published = [trip.fake.key.jwk, *trip.fake.published]


async def code_of(trip: Trip[FakeOpenIdProvider]) -> str:
    """How a sign-in ends: "ok", or the error's code."""
    try:
        await trip.sign_in("email")
    except BrokerError as error:
        return error.code
    return "ok"


async def test_g09_05_a_new_key_is_found_at_once(trip: Trip[FakeOpenIdProvider]) -> None:
    """One look at the published keys, however many sign in at that moment."""
    assert await code_of(trip) == "ok"
    sign_with(trip, "second", publish=True)

    assert await asyncio.gather(*(code_of(trip) for _ in range(8))) == ["ok"] * 8
    assert trip.fake.requests["keys"] == 2


async def test_g09_05_a_flood_of_unknown_keys_asks_once_a_minute(trip: Trip[FakeOpenIdProvider]) -> None:
    """Each is refused, and the Provider is left in peace."""
    assert await code_of(trip) == "ok"
    for minute in range(3):
        for number in range(6):
            trip.fake.bend_header = lambda header, kid=f"{minute}-{number}": header | {"kid": kid}  # type: ignore[misc]
            assert await code_of(trip) == "invalid_id_token"
        assert trip.fake.requests["keys"] == 2 + minute
        trip.clock.at += 60


async def test_g09_05_the_key_of_a_flooded_provider_still_works(trip: Trip[FakeOpenIdProvider]) -> None:
    """What is known needs no look."""
    assert await code_of(trip) == "ok"
    trip.fake.bend_header = lambda header: header | {"kid": "unknown"}
    assert await code_of(trip) == "invalid_id_token"
    trip.fake.bend_header = lambda header: header

    assert await code_of(trip) == "ok"


async def test_g09_06_known_keys_work_for_a_day_while_there_are_none_to_be_had(trip: Trip[FakeOpenIdProvider]) -> None:
    """And not longer. The metadata stays available, so that the keys alone decide."""
    assert await code_of(trip) == "ok"
    trip.fake.instead["keys"] = ill
    for hours in (1, 12, 23):
        trip.clock.at = 1_800_000_000 + hours * 3600
        assert await code_of(trip) == "ok"

    trip.clock.at = 1_800_000_000 + LAST_GOOD_SECONDS
    assert await code_of(trip) == "provider_unavailable"


async def test_g09_06_an_unknown_key_is_no_persons_fault_during_an_outage(trip: Trip[FakeOpenIdProvider]) -> None:
    """The key may well be right: 503, not 400. When the outage is over, it is."""
    assert await code_of(trip) == "ok"
    sign_with(trip, "second", publish=True)
    trip.fake.instead["keys"] = ill
    assert await code_of(trip) == "provider_unavailable"
    assert await code_of(trip) == "provider_unavailable"
    assert trip.fake.requests["keys"] == 2

    del trip.fake.instead["keys"]
    trip.clock.at += 60
    assert await code_of(trip) == "ok"


async def test_g09_06_no_keys_at_all_is_an_outage(trip: Trip[FakeOpenIdProvider]) -> None:
    """From the beginning."""
    trip.fake.instead["keys"] = ill

    assert await code_of(trip) == "provider_unavailable"


GARBAGE: list[object] = [
    None,
    "key",
    1,
    [],
    {},
    {"kty": "RSA"},
    {"kty": "RSA", "kid": "garbage", "use": "sig", "alg": "RS256", "n": "!", "e": 65537},
    {"kty": "RSA", "kid": "garbage", "n": "!", "e": "AQAB"},
    {"kty": "RSA", "kid": "garbage", "n": "", "e": ""},
    {"kty": "RSA", "kid": "garbage", "n": "AQAB", "e": "AQAB"},
    {"kty": "RSA", "kid": "garbage", "n": key("first").jwk["n"], "e": "AA"},
    {"kty": "RSA", "kid": "garbage", "n": "_" * 4000, "e": "AQAB"},
    {"kty": "EC", "kid": "garbage", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "EC", "kid": "garbage", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
    {"kty": "EC", "kid": "garbage", "crv": "secp256k1", "x": "A" * 43, "y": "A" * 43},
    {"kty": "EC", "kid": "garbage", "crv": ["P-256"], "x": "A" * 43, "y": "A" * 43},
    {"kty": "OKP", "kid": "garbage", "crv": "X25519", "x": "A" * 43},
    {"kty": "OKP", "kid": "garbage", "crv": "Ed25519", "x": "AA"},
    {"kty": "oct", "kid": "garbage", "k": "c2VjcmV0", "alg": "HS256"},
    {"kty": ["RSA"], "kid": "garbage"},
    key("first").jwk | {"kid": 1},
    key("first").jwk | {"alg": "HS256"},
    key("first").jwk | {"alg": "ES256"},
    key("first").jwk | {"alg": 1},
    key("first").jwk | {"alg": "none"},
    key("first").jwk | {"use": "enc"},
    key("first").jwk | {"key_ops": ["encrypt"]},
    key("first").jwk | {"key_ops": "verify"},
    key("weak", bits=1024).jwk,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=(str(number) for number in range(len(GARBAGE))))
def test_g09_07_garbage_is_no_key(garbage: object) -> None:
    """Never an exception either."""
    assert parse_key(garbage) is None


async def test_g09_07_good_keys_among_garbage_are_used(
    trip: Trip[FakeOpenIdProvider], caplog: pytest.LogCaptureFixture
) -> None:
    """What is bad is left out, and somebody is told how many they were."""
    trip.fake.published = [*GARBAGE, trip.fake.key.jwk]  # type: ignore[list-item]
    with caplog.at_level(logging.WARNING, logger="broker.upstream"):
        assert await code_of(trip) == "ok"

    assert f"jwks.keys_skipped registration=work keys={len(GARBAGE) - 1}" in caplog.messages


async def test_a_key_for_encryption_is_nothing_to_tell(
    trip: Trip[FakeOpenIdProvider], caplog: pytest.LogCaptureFixture
) -> None:
    """It is sound, and just not ours."""
    trip.fake.published = [key("enc").jwk | {"use": "enc"}, trip.fake.key.jwk]
    with caplog.at_level(logging.WARNING, logger="broker.upstream"):
        assert await code_of(trip) == "ok"

    assert caplog.messages == []


@pytest.mark.parametrize("keys", [None, [], {}, "x", [None]], ids=repr)
async def test_a_key_set_without_keys_is_an_outage(trip: Trip[FakeOpenIdProvider], keys: object) -> None:
    """It does not replace what is known."""

    async def told(_: Request) -> Response:
        return JSONResponse({"keys": keys})

    assert await code_of(trip) == "ok"
    trip.fake.instead["keys"] = told
    trip.clock.at += FRESH_SECONDS
    assert await code_of(trip) == "ok"


async def test_a_giant_key_set_costs_no_more_than_a_big_one(trip: Trip[FakeOpenIdProvider]) -> None:
    """Keys beyond the bound are not parsed."""
    trip.fake.published = [*([key("another").jwk] * MAX_KEYS), trip.fake.key.jwk]

    assert await code_of(trip) == "invalid_id_token"


async def test_g09_09_a_known_key_is_not_swapped_between_times(
    trip: Trip[FakeOpenIdProvider], caplog: pytest.LogCaptureFixture
) -> None:
    """The same id with another key is taken when the keys are due anyway, and somebody is told."""
    assert await code_of(trip) == "ok"
    swapped = key("swapped")
    trip.fake.published = [swapped.jwk | {"kid": "first"}]
    trip.fake.bend_header = lambda header: header | {"kid": "unknown"}
    assert await code_of(trip) == "invalid_id_token"
    trip.fake.bend_header = lambda header: header
    assert await code_of(trip) == "ok"  # still signed by the old key

    trip.clock.at += FRESH_SECONDS
    with caplog.at_level(logging.WARNING, logger="broker.upstream"):
        assert await code_of(trip) == "invalid_id_token"
    assert "jwks.kid_reused registration=work keys=1" in caplog.messages

    trip.fake.key = swapped
    trip.fake.bend_header = lambda header: header | {"kid": "first"}
    assert await code_of(trip) == "ok"


async def test_a_withdrawn_key_stops_working_when_the_keys_are_due(trip: Trip[FakeOpenIdProvider]) -> None:
    """Within the hour."""
    assert await code_of(trip) == "ok"
    trip.fake.published = [key("second").jwk]
    trip.clock.at += FRESH_SECONDS

    assert await code_of(trip) == "invalid_id_token"


async def test_a_clock_that_steps_back_makes_keys_stale(trip: Trip[FakeOpenIdProvider], cache: KeyCache) -> None:
    """Nothing lives longer for it."""
    await cache.find(f"{trip.fake.base}/jwks", "first", "RS256")
    trip.clock.at -= 3600
    with pytest.raises(Refusal):
        await cache.find(f"{trip.fake.base}/jwks", "unknown", "RS256")

    assert trip.fake.requests["keys"] == 2


async def test_a_key_set_that_fails_is_not_asked_by_everybody(trip: Trip[FakeOpenIdProvider], cache: KeyCache) -> None:
    """For a few seconds all get the same answer."""
    trip.fake.instead["keys"] = ill
    for _ in range(5):
        with pytest.raises(Fault):
            await cache.find(f"{trip.fake.base}/jwks", "first", "RS256")

    assert trip.fake.requests["keys"] == 1


async def test_a_parsed_key_is_kept(trip: Trip[FakeOpenIdProvider], cache: KeyCache) -> None:
    """Parsing costs more than checking a signature."""
    first = await cache.find(f"{trip.fake.base}/jwks", "first", "RS256")

    assert await cache.find(f"{trip.fake.base}/jwks", "first", "RS256") is first
    assert not first.verifies("ES256", b"", b"")
    assert not first.verifies("none", b"", b"")


async def test_a_published_private_key_is_taken_as_public(trip: Trip[FakeOpenIdProvider]) -> None:
    """The mistake is the Provider's; the broker does not take the secret half in."""
    numbers = trip.fake.key.private.private_numbers()
    parsed = parse_key(trip.fake.key.jwk | {"d": str(numbers.d), "p": "x", "q": "x"})

    assert parsed is not None
    assert not hasattr(parsed.key, "private_numbers")
