"""G12-06: a Provider's logout tokens, believed and not (OpenID Connect Back-Channel Logout 1.0 section 2.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.errors import Fault, Refusal
from broker.domain.ids import RegistrationId
from broker.upstream.id_token import LEEWAY, OLDEST_ISSUE
from tests.fakes.providers.github import FakeGitHub
from tests.fakes.providers.keys import compact, key
from tests.fakes.providers.microsoft import CONTOSO, FakeEntra
from tests.fakes.providers.oidc import FakeOpenIdProvider
from tests.fakes.providers.trip import WORK, Trip, trip_to

pytestmark = pytest.mark.anyio

EVENT = "http://schemas.openid.net/event/backchannel-logout"
DELETED: Any = object()


@pytest.fixture
async def trip() -> AsyncIterator[Trip[FakeOpenIdProvider]]:
    async with trip_to(FakeOpenIdProvider) as made:
        yield made


def token(trip: Trip[Any], header: Mapping[str, Any] | None = None, **bent: Any) -> str:
    """A logout token that holds, with `bent` claims; `DELETED` takes one away."""
    fake, now = trip.fake, trip.clock.now()
    claims = {
        "iss": fake.issuer,
        "aud": fake.enrolled.application_id,
        "iat": now,
        "exp": now + 120,
        "jti": "jti-1",
        "events": {EVENT: {}},
        "sub": fake.person["sub"],
        "sid": "sid-1",
    } | bent
    right = {"alg": fake.key.algorithm, "kid": fake.key.kid, "typ": "logout+jwt"}
    present = {name: value for name, value in claims.items() if value is not DELETED}
    return compact({n: v for n, v in (right | dict(header or {})).items() if v is not DELETED}, present, fake.key.sign)


@pytest.mark.parametrize("typ", ["logout+jwt", "LOGOUT+JWT", "JWT", DELETED], ids=["own", "capitals", "JWT", "none"])
async def test_a_right_token_is_believed(trip: Trip[FakeOpenIdProvider], typ: object) -> None:
    """Its own type, or none of its own, as before the standard recommended one."""
    said = await trip.gateway.logout(WORK, token(trip, {"typ": typ}))

    assert said.identity == (await trip.sign_in("email")).identity
    assert (said.sid, said.jti, said.issuer) == ("sid-1", "jti-1", trip.fake.issuer)
    assert said.good_until == trip.clock.now() + OLDEST_ISSUE + LEEWAY + 1


async def test_either_of_sub_and_sid_will_do_and_exp_may_be_absent(trip: Trip[FakeOpenIdProvider]) -> None:
    """`exp` came with the last version of the standard."""
    by_sub = await trip.gateway.logout(WORK, token(trip, sid=DELETED, exp=DELETED))
    by_sid = await trip.gateway.logout(WORK, token(trip, sub=DELETED))

    assert (by_sub.sid, by_sub.identity is None) == (None, False)
    assert (by_sid.sid, by_sid.identity) == ("sid-1", None)


NOW = 1_800_000_000
WRONG: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "alg none": ({"alg": "none"}, {}),
    "alg HS256": ({"alg": "HS256"}, {}),
    "typ of an access token": ({"typ": "at+jwt"}, {}),
    "typ of another kind": ({"typ": "secevent+jwt"}, {}),
    "typ no text": ({"typ": 1}, {}),
    "crit": ({"crit": ["x"]}, {}),
    "unknown kid": ({"kid": "nobody's"}, {}),
    "iss absent": ({}, {"iss": DELETED}),
    "iss another": ({}, {"iss": "https://evil.example"}),
    "aud absent": ({}, {"aud": DELETED}),
    "aud another": ({}, {"aud": "another"}),
    "aud two": ({}, {"aud": ["partner-ops-at-provider", "another"]}),
    "iat absent": ({}, {"iat": DELETED}),
    "iat text": ({}, {"iat": str(NOW)}),
    "iat old": ({}, {"iat": NOW - OLDEST_ISSUE - LEEWAY - 1}),
    "iat ahead": ({}, {"iat": NOW + LEEWAY + 1}),
    "exp past": ({}, {"exp": NOW - LEEWAY}),
    "exp text": ({}, {"exp": "soon"}),
    "exp null": ({}, {"exp": None}),
    "events absent": ({}, {"events": DELETED}),
    "events empty": ({}, {"events": {}}),
    "events a list": ({}, {"events": [EVENT]}),
    "events another": ({}, {"events": {"https://schemas.openid.net/secevent/risc/event-type/account-disabled": {}}}),
    "event no object": ({}, {"events": {EVENT: None}}),
    "nonce": ({}, {"nonce": "n"}),
    "nonce null": ({}, {"nonce": None}),
    "neither sub nor sid": ({}, {"sub": DELETED, "sid": DELETED}),
    "sub empty": ({}, {"sub": ""}),
    "sub a number": ({}, {"sub": 1}),
    "sid empty": ({}, {"sid": ""}),
    "sid a list": ({}, {"sid": ["sid-1"]}),
    "sid long": ({}, {"sid": "x" * 256}),
    "jti absent": ({}, {"jti": DELETED}),
    "jti empty": ({}, {"jti": ""}),
}


async def test_a_wrong_token_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """Each absent, empty and wrong; always under one code, and the detail names no value."""
    for name, (header, bent) in WRONG.items():
        with pytest.raises(Refusal) as raised:
            await trip.gateway.logout(WORK, token(trip, header, **bent))
        assert raised.value.code == "invalid_logout_token", name
        assert "partner-ops-at-provider" not in raised.value.detail


async def test_a_foreign_or_missing_signature_is_refused(trip: Trip[FakeOpenIdProvider]) -> None:
    """CVE-2026-18569: unsigned logout tokens."""
    signed = token(trip).rpartition(".")[0]
    right = {"alg": trip.fake.key.algorithm, "kid": trip.fake.key.kid, "typ": "logout+jwt"}
    forged = compact(right, {"iss": trip.fake.issuer}, key("stolen").sign)
    for wrong in (f"{signed}.", f"{signed}.AAAA", signed, forged, "", "a.b.c"):
        with pytest.raises(Refusal) as raised:
            await trip.gateway.logout(WORK, wrong)
        assert raised.value.code == "invalid_logout_token"


async def test_an_id_token_is_no_logout_token_and_the_reverse(trip: Trip[FakeOpenIdProvider]) -> None:
    """G08-01: the one lacks `events` and has a nonce; the other has a type of its own, and no nonce."""
    trip.fake.bend_claims = lambda claims: claims | {"jti": "jti-1"}
    await trip.sign_in("email")
    id_token = next(issued for issued in trip.fake.issued if issued.count(".") == 2)
    with pytest.raises(Refusal):
        await trip.gateway.logout(WORK, id_token)

    trip.fake.sign = lambda header, claims, sign: token(trip, at_hash=dict(claims)["at_hash"])  # type: ignore[call-overload]
    with pytest.raises(Refusal) as raised:
        await trip.sign_in("email")
    assert (raised.value.code, raised.value.detail) == ("invalid_id_token", "typ")


async def test_when_the_keys_cannot_be_had_nothing_is_known(trip: Trip[FakeOpenIdProvider]) -> None:
    """That is a fault, and the Provider may try again."""

    async def away(request: Request) -> Response:
        return Response(status_code=503)

    trip.fake.instead["keys"] = away
    with pytest.raises(Fault) as raised:
        await trip.gateway.logout(WORK, token(trip))
    assert raised.value.code == "provider_unavailable"


async def test_a_provider_that_signs_nothing_says_nothing() -> None:
    """GitHub has no key set; nor is there such a registration as is asked for."""
    async with trip_to(FakeGitHub) as trip:
        with pytest.raises(Refusal) as raised:
            await trip.gateway.logout(WORK, "a.b.c")
        assert raised.value.code == "invalid_logout_token"
        with pytest.raises(Refusal) as raised:
            await trip.gateway.logout(RegistrationId("nowhere"), "a.b.c")
        assert raised.value.code == "provider_disabled"


@pytest.mark.parametrize(
    ("sid", "kept"), [("sid-1", "sid-1"), (DELETED, None), ("", None), (7, None), ("x" * 256, None)]
)
async def test_a_sign_in_says_what_the_provider_calls_its_session(
    trip: Trip[FakeOpenIdProvider], sid: object, kept: str | None
) -> None:
    """From the ID token; what could not be a name is left out."""
    trip.fake.bend_claims = lambda claims: claims if sid is DELETED else claims | {"sid": sid}

    assert (await trip.sign_in("email")).sid == kept


@pytest.fixture
async def entra() -> AsyncIterator[Trip[FakeEntra]]:
    async with trip_to(FakeEntra) as made:
        yield made


def of_entra(entra: Trip[FakeEntra], **bent: Any) -> str:
    """As `token`, with what Entra's tokens have beside: the tenant that speaks, and who is meant within it."""
    person = {"tid": CONTOSO, "oid": entra.fake.person["oid"]}
    return token(entra, **({"iss": entra.fake.id_token_issuer(), **person} | bent))


async def test_microsofts_subject_is_that_of_the_sign_in(entra: Trip[FakeEntra]) -> None:
    """By tenant and `oid`; never by `sub`, which differs from application to application."""
    signed_in = (await entra.sign_in("email")).identity
    said = await entra.gateway.logout(WORK, of_entra(entra, sub="of another application", sid=DELETED))

    assert said.identity == signed_in
    assert signed_in.subject == f"{CONTOSO}:{entra.fake.person['oid']}"
    assert said.issuer == signed_in.issuer


async def test_without_an_oid_microsoft_means_nobody_by_name(entra: Trip[FakeEntra]) -> None:
    """`sub` alone, though it is the person's here, is in no Identity: then the session is what is meant, or nothing."""
    said = await entra.gateway.logout(WORK, of_entra(entra, oid=DELETED))
    assert (said.identity, said.sid) == (None, "sid-1")

    for bent in ({"oid": DELETED}, {"oid": ""}, {"oid": 7}):
        with pytest.raises(Refusal) as raised:
            await entra.gateway.logout(WORK, of_entra(entra, **bent, sid=DELETED))
        assert (raised.value.code, raised.value.detail) == ("invalid_logout_token", "neither sub nor sid")


OTHER_TENANT = "1d9f6c5e-6c2b-4a53-8c39-8f5a0b9f2f10"


@pytest.mark.parametrize("tid", [DELETED, "", "common", OTHER_TENANT], ids=["absent", "empty", "no GUID", "another's"])
async def test_a_microsoft_tenant_speaks_of_its_own_people_alone(entra: Trip[FakeEntra], tid: Any) -> None:
    """Else one tenant's administrator could sign out another's."""
    with pytest.raises(Refusal) as raised:
        await entra.gateway.logout(WORK, of_entra(entra, tid=tid))
    assert raised.value.code == "invalid_logout_token"
