"""Keys over a real network: fetched once however many ask, kept while nobody answers, never taken from elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from partner_ops_verifier import TokenRefused, VerifierUnavailable
from partner_ops_verifier.published import REFETCH_SECONDS, RETRY_SECONDS
from partner_ops_verifier.testing import TestKey
from tests.servers.port import reserve
from tests.verifier.hands import Hands
from tests.verifier.issuer import AUTHORIZATIONS, KEYS, METADATA, LocalIssuer, local_issuer
from tests.verifier.kinds import KINDS, Asked, Kind, verifying

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("kind", KINDS)]


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with local_issuer() as issuer:
        yield issuer


async def refused(verifier: Asked, token: str) -> str:
    with pytest.raises(TokenRefused) as refusal:
        await verifier.verify(token)
    return refusal.value.code


async def unavailable(verifier: Asked, token: str) -> str:
    with pytest.raises(VerifierUnavailable) as problem:
        await verifier.verify(token)
    return problem.value.code


async def test_a_token_is_verified_with_published_keys_alone(issuer: LocalIssuer, kind: Kind) -> None:
    """Found from the issuer, fetched once, used from then on."""
    async with verifying(kind, issuer.url) as verifier:
        for _ in range(3):
            assert (await verifier.verify(issuer.tokens.mint("usr_ada", {"acme": ["x"]}))).may("acme", "x")

    assert (issuer.asked[METADATA], issuer.asked[KEYS]) == (1, 1)


async def test_many_who_ask_at_once_fetch_once(issuer: LocalIssuer, kind: Kind) -> None:
    """Single flight: before the first key, and for a new one."""
    hands, issuer.delay = Hands(issuer.tokens.clock()), 0.1
    async with verifying(kind, issuer.url, clocks=hands.clocks) as verifier:
        for asked in (1, 2):
            token = issuer.tokens.mint("usr_ada")
            sessions = await asyncio.gather(*(verifier.verify(token) for _ in range(20)))

            assert [session.user for session in sessions] == ["usr_ada"] * 20
            assert issuer.asked[KEYS] == asked
            issuer.tokens.rotate()
            hands.passed += REFETCH_SECONDS


async def test_whoever_has_no_key_does_not_wait_for_ever(issuer: LocalIssuer, kind: Kind) -> None:
    """Made-up names, while the issuer is slow, must not hold every thread; good tokens do not notice."""
    hands = Hands(issuer.tokens.clock())
    async with verifying(kind, issuer.url, clocks=hands.clocks) as verifier:
        await verifier.verify(issuer.tokens.mint())
        hands.passed += REFETCH_SECONDS
        issuer.delay = 2.0
        first = asyncio.create_task(refused(verifier, TestKey().sign(issuer.tokens.claims())))
        await asyncio.sleep(0.2)
        begun = asyncio.get_running_loop().time()
        assert (await verifier.verify(issuer.tokens.mint("usr_ada"))).user == "usr_ada"
        assert await unavailable(verifier, TestKey().sign(issuer.tokens.claims())) == "keys_unavailable"
        assert asyncio.get_running_loop().time() - begun < 2.0
        assert await first == "unknown_key"


async def test_a_flood_of_unknown_keys_is_one_request(issuer: LocalIssuer, kind: Kind) -> None:
    """In half a minute."""
    hands = Hands(issuer.tokens.clock())
    async with verifying(kind, issuer.url, clocks=hands.clocks) as verifier:
        await verifier.verify(issuer.tokens.mint())
        hands.passed += REFETCH_SECONDS
        for _ in range(50):
            assert await refused(verifier, TestKey().sign(issuer.tokens.claims())) == "unknown_key"

    assert issuer.asked[KEYS] == 2


async def test_old_keys_are_refreshed_while_others_go_on(issuer: LocalIssuer, kind: Kind) -> None:
    """Whoever has a key does not wait for the one who fetches."""
    hands = Hands(issuer.tokens.clock())
    async with verifying(kind, issuer.url, clocks=hands.clocks) as verifier:
        await verifier.verify(issuer.tokens.mint())
        hands.passed += 301
        issuer.delay = 1.0
        first = asyncio.create_task(verifier.verify(issuer.tokens.mint()))
        await asyncio.sleep(0.2)
        assert issuer.asked[METADATA] == 2
        await asyncio.wait_for(verifier.verify(issuer.tokens.mint()), 0.5)
        assert not first.done()
        await first

    assert issuer.asked[KEYS] == 2


async def test_an_outage_of_the_issuer_is_not_one_of_the_service(issuer: LocalIssuer, kind: Kind) -> None:
    """Known keys go on for a day; of unknown ones nobody can tell; afterwards all is as before."""
    hands = Hands(issuer.tokens.clock())
    async with verifying(kind, issuer.url, clocks=hands.clocks) as verifier:
        await verifier.verify(issuer.tokens.mint())
        issuer.faults[METADATA] = lambda: Response(status_code=503)
        hands.passed += 12 * 3600
        for _ in range(5):
            assert (await verifier.verify(issuer.tokens.mint("usr_ada"))).user == "usr_ada"
        assert issuer.asked[METADATA] == 2
        assert await unavailable(verifier, TestKey().sign(issuer.tokens.claims())) == "keys_unavailable"
        hands.passed += 12 * 3600
        assert await unavailable(verifier, issuer.tokens.mint()) == "keys_unavailable"
        issuer.faults.clear()
        hands.passed += RETRY_SECONDS
        assert (await verifier.verify(issuer.tokens.mint("usr_ada"))).user == "usr_ada"


async def test_nobody_there_is_unavailable(kind: Kind) -> None:
    """At the first request, and without a connection for each that follows."""
    place = reserve()
    async with verifying(kind, place.url) as verifier:
        for _ in range(3):
            assert await unavailable(verifier, TestKey().sign({})) == "keys_unavailable"
    place.socket.close()


BROKEN: dict[str, Callable[[str], Response]] = {
    "redirect": lambda url: RedirectResponse(f"{url}{KEYS}?again"),
    "too large": lambda _: Response(b'{"keys": [], "x": "' + b"a" * (5 * 1024 * 1024) + b'"}'),
    "compressed": lambda _: Response(b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
    "not found": lambda _: Response(status_code=404),
    "empty": lambda _: Response(b""),
}


@pytest.mark.parametrize("path", [METADATA, KEYS])
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_answer_is_no_answer(issuer: LocalIssuer, kind: Kind, name: str, path: str) -> None:
    """Redirects are not followed, not even to the same place."""
    issuer.faults[path] = lambda: BROKEN[name](issuer.url)
    async with verifying(kind, issuer.url) as verifier:
        assert await unavailable(verifier, issuer.tokens.mint()) == "keys_unavailable"

    assert issuer.asked[path] == 1


async def test_keys_of_another_origin_are_not_asked_for(issuer: LocalIssuer, kind: Kind) -> None:
    """Unless the service trusts it by name."""
    with local_issuer() as other:
        elsewhere = {"issuer": issuer.url, "jwks_uri": f"{other.url}{KEYS}"}
        issuer.faults[METADATA] = lambda: JSONResponse(elsewhere)
        token = other.tokens.mint("usr_ada", iss=issuer.url)
        async with verifying(kind, issuer.url) as verifier:
            assert await unavailable(verifier, token) == "keys_unavailable"
        assert other.asked[KEYS] == 0
        async with verifying(kind, issuer.url, trusted_origins=[other.url]) as verifier:
            assert (await verifier.verify(token)).user == "usr_ada"


MANY = {f"client-{number}": ["reports:read"] for number in range(2000)}


async def test_authorizations_that_did_not_fit_are_fetched_once(issuer: LocalIssuer, kind: Kind) -> None:
    """Authorised by the token itself; then the Session says as much as any."""
    token = issuer.tokens.mint_by_reference("usr_ada", MANY)
    async with verifying(kind, issuer.url) as verifier:
        for _ in range(3):
            session = await verifier.verify(token)
            assert session.may("client-1999", "reports:read")
            assert not session.may("client-2000", "reports:read")

    assert len(session.client_orgs) == 2000
    assert issuer.asked[AUTHORIZATIONS] == 1


async def test_authorizations_that_changed_meanwhile_are_not_taken(issuer: LocalIssuer, kind: Kind) -> None:
    """Neither more nor less than what was signed; a new token has them."""
    token = issuer.tokens.mint_by_reference("usr_ada", MANY)
    for body in (json.dumps(MANY | {"more": ["x"]}), "{}", json.dumps(MANY)):  # the last one with white space
        issuer.tokens.http.authorizations[token] = body.encode()
        async with verifying(kind, issuer.url) as verifier:
            assert await refused(verifier, token) == "authorizations_changed"


async def test_what_was_signed_for_authorizations_and_is_none_is_refused(issuer: LocalIssuer, kind: Kind) -> None:
    """The digest is right, and it is no JSON object, or holds what rights are not."""
    async with verifying(kind, issuer.url) as verifier:
        for body in (b"[]", b"null", b'{"acme": "x"}', b'{"acme": [], "acme": ["x"]}'):
            digest = f"sha-256:{hashlib.sha256(body).hexdigest()}"
            bent = _reference(issuer, digest=digest)
            issuer.tokens.http.authorizations[bent] = body
            assert await refused(verifier, bent) == "bad_claims"


async def test_who_asks_in_vain_for_authorizations_is_told_so(issuer: LocalIssuer, kind: Kind) -> None:
    """The issuer says that the token is over: refused. It does not answer: nobody can tell."""
    token = issuer.tokens.mint_by_reference("usr_ada", MANY)
    async with verifying(kind, issuer.url) as verifier:
        for status in (500, 302, 403):
            issuer.faults[AUTHORIZATIONS] = partial(Response, status_code=status)
            assert await unavailable(verifier, token) == "authorizations_unavailable"
        issuer.faults[AUTHORIZATIONS] = lambda: Response(b"a" * (5 * 1024 * 1024))
        assert await unavailable(verifier, token) == "authorizations_unavailable"
        issuer.faults[AUTHORIZATIONS] = lambda: Response(status_code=401)
        assert await refused(verifier, token) == "revoked"
        issuer.faults.clear()
        assert (await verifier.verify(token)).user == "usr_ada"


def _reference(issuer: LocalIssuer, **change: Any) -> str:
    token = issuer.tokens.mint_by_reference("usr_ada", {"acme": ["x"]})
    known = issuer.tokens.verifier().verify(token).claims()["authorizations_ref"]
    bent = issuer.tokens.mint("usr_ada", authorizations=None, authorizations_ref=known | change)
    issuer.tokens.http.authorizations[bent] = issuer.tokens.http.authorizations[token]
    return bent


BENT: tuple[dict[str, Any], ...] = (
    {"url": "https://evil.example/api/v1/authorizations"},
    {"url": "http://127.0.0.1:1/api/v1/authorizations"},
    {"url": "/api/v1/authorizations"},
    {"url": ""},
    {"url": 7},
    {"digest": ""},
    {"digest": None},
    {"digest": "sha-512:" + "0" * 64},
    {"digest": "sha-256:" + "0" * 63},
    {"count": 2},
    {"count": True},
    {"count": -1},
    {"count": None},
)


async def test_a_reference_that_is_not_right_is_not_followed(issuer: LocalIssuer, kind: Kind) -> None:
    """Elsewhere, of another form, or contradicting itself. The token is not shown to strangers."""
    async with verifying(kind, issuer.url) as verifier:
        for change in BENT:
            assert await refused(verifier, _reference(issuer, **change)) == "bad_claims", change
        both = issuer.tokens.mint_by_reference("usr_ada", {"acme": ["x"]}, authorizations={"acme": ["x"]})
        assert await refused(verifier, both) == "bad_claims"
        narrowed = issuer.tokens.mint_by_reference("usr_ada", {"acme": ["x"]}, org_id="globex")
        assert await refused(verifier, narrowed) == "bad_claims"
