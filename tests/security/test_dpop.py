"""RFC 9449 over the wire: each proof once, for one request, and a bound token opens nothing without."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from broker.domain.dpop import AHEAD, BEHIND, KEPT_LONGER
from broker.domain.refresh_token import REPLAY_WITHIN
from tests.flows.proofs import Holder
from tests.security.browser import Browser, ask
from tests.security.template import SECRETS
from tests.security.world import World

pytestmark = pytest.mark.anyio

HOLDER, THIEF = Holder(), Holder()
ALGS = 'algs="ES256 EdDSA Ed25519 PS256 RS256"'
CLI = """
[applications.cli]
name = "Desk on the command line"
type = "public"
redirect_uris = ["https://app.example/callback"]
audience = "https://desk.example"
first_party = true
"""
OWN_TOKEN = {"grant_type": "client_credentials", "client_id": "feed", "client_secret": SECRETS["feed"]}


def proof(world: World, path: str = "/oauth/token", holder: Holder = HOLDER, **changes: Any) -> str:
    """Of the request to `path` at this moment."""
    return holder.proof(url=world.settings.issuer + path, now=world.clock.now(), **changes)


async def prove(browser: Browser, *proofs: str, **form: str) -> httpx2.Response:
    """Ask for the Application's own token, with these proofs."""
    headers = [("DPoP", text) for text in proofs]
    return await browser.send("POST", "/oauth/token", form=OWN_TOKEN | form, headers=headers)


async def bound(world: World, browser: Browser, **request: str) -> dict[str, Any]:
    """Tokens of Ada's that are bound to the key."""
    return await tokens_for(browser, {"DPoP": proof(world)}, **request)


async def tokens_for(browser: Browser, headers: Mapping[str, str], **request: str) -> dict[str, Any]:
    """Ada's tokens of this request, with these headers."""
    asked = ask(**request)
    form = {
        "grant_type": "authorization_code",
        "client_id": asked.parameters["client_id"],
        "code": await browser.code_for(asked),
    }
    form |= {"redirect_uri": asked.parameters["redirect_uri"], "code_verifier": asked.verifier}
    answer = await browser.send("POST", "/oauth/token", form=form, headers=headers)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def refused(answer: httpx2.Response, error: str = "invalid_dpop_proof", status: int = 400) -> bool:
    told = answer.json()
    return (answer.status_code, told.get("error", told.get("code"))) == (status, error)


async def test_each_proof_is_good_once(any_world: World) -> None:
    """Of sixteen requests at two processes one wins: the database decides. Another key's may have the same name."""
    other = await any_world.another()
    text = proof(any_world, jti="one")
    rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(16)]
    with any_world.watch.together():
        answers = await asyncio.gather(*(prove(rival, text) for rival in rivals))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 15
    assert (await prove(rivals[0], proof(any_world, jti="one", holder=THIEF))).status_code == 200


async def test_a_proof_is_remembered_as_long_as_it_is_good(world: World, ada: Browser) -> None:
    """Also by what clears away what has expired, and though it was made by a clock that is ahead."""
    text = proof(world, iat=world.clock.now() + AHEAD)
    assert (await prove(ada, text)).json()["token_type"] == "DPoP"
    for seconds in (AHEAD + BEHIND, 1, KEPT_LONGER):
        world.clock.advance(seconds)
        await world.store.forget_expired(world.clock.now())
        assert refused(await prove(ada, text))
    assert await world.count("taken_attempts") == 0


async def test_what_is_not_one_good_proof_of_this_request_is_refused(world: World, ada: Browser) -> None:
    """RFC 9449 section 4.3: two headers, none in one, of another method, address, time or kind."""
    good = proof(world)
    wrong: list[tuple[str, ...]] = [
        (good, proof(world)),
        (good, good),
        ("",),
        ("", good),
        ("x.y.z",),
        (f"{good}, {good}",),
    ]
    wrong += [(proof(world, path),) for path in ("/oauth/userinfo", "/oauth/token/", "/OAUTH/token", "")]
    wrong += [(proof(world, method="GET"),), (proof(world, iat=world.clock.now() - BEHIND - 1),)]
    wrong += [(proof(world, header={"typ": "JWT"}),), (proof(world, header={"jwk": THIEF.jwk}),)]
    for texts in wrong:
        assert refused(await prove(ada, *texts)), texts
    assert (await prove(ada, good)).status_code == 200


async def test_a_bound_token_opens_nothing_by_itself(world: World, ada: Browser) -> None:
    """RFC 9449 sections 7.1 and 7.2: with the right proof alone; the answer names schemes and algorithms."""
    token = (await bound(world, ada))["access_token"]
    free = (await ada.tokens_for(ask()))["access_token"]
    for path in ("/oauth/userinfo", "/api/v1/authorizations"):
        good = {"method": "GET", "token": token}
        sent = {"Authorization": f"DPoP {token}", "DPoP": proof(world, path, **good)}
        assert (await ada.get(path, headers=sent)).status_code == 200
        stolen = [
            ({"Authorization": f"Bearer {token}"}, "invalid_token"),
            (sent | {"Authorization": f"Bearer {token}"}, "invalid_token"),
            (sent | {"DPoP": proof(world, path, **good, holder=THIEF)}, "invalid_token"),
            ({"Authorization": f"DPoP {free}", "DPoP": proof(world, path, method="GET", token=free)}, "invalid_token"),
            ({"Authorization": f"DPoP {token}"}, "invalid_dpop_proof"),
            (sent | {"DPoP": proof(world, path, **good | {"token": free})}, "invalid_dpop_proof"),
            (sent | {"DPoP": proof(world, path, method="GET")}, "invalid_dpop_proof"),
            (sent | {"DPoP": proof(world, "/oauth/token", **good)}, "invalid_dpop_proof"),
        ]
        for headers, error in stolen:
            answer = await ada.get(path, headers=headers)
            assert refused(answer, error, 401), headers
            bearer, _, dpop = answer.headers["WWW-Authenticate"].partition(", DPoP ")
            assert bearer.startswith("Bearer realm=") and dpop.startswith(ALGS)
            scheme = dpop if headers["Authorization"].startswith("DPoP") else bearer
            assert f'error="{error}"' in scheme
        answer = await ada.get(path, headers={"DPoP": sent["DPoP"]})
        assert answer.status_code == 401 and "error=" not in answer.headers["WWW-Authenticate"]


async def test_a_follower_may_be_bound_too(world: World, ada: Browser) -> None:
    """The feed asks for the proof of its own address and method."""
    token = (await prove(ada, proof(world), scope="revocations")).json()["access_token"]
    path = "/api/v1/revocations"
    sent = {"Authorization": f"DPoP {token}", "DPoP": proof(world, path, method="HEAD", token=token)}

    assert (await ada.send("HEAD", path, headers=sent)).status_code == 200
    assert (await ada.send("HEAD", path, headers={"Authorization": f"Bearer {token}"})).status_code == 401


async def test_a_stolen_refresh_token_is_of_no_use(any_world: World) -> None:
    """RFC 9449 section 5, on both databases: without the key it is refused, and its owner goes on."""
    ada = any_world.browser()
    token = (await bound(any_world, ada, scope="openid offline_access"))["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "demo-app", "refresh_token": token}
    for headers in ({}, {"DPoP": proof(any_world, holder=THIEF)}):
        assert refused(await ada.send("POST", "/oauth/token", form=form, headers=headers), "invalid_grant")
    whole: dict[str, Any] = {"form": form, "headers": {"DPoP": proof(any_world)}}
    answer = await ada.send("POST", "/oauth/token", **whole)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    any_world.clock.advance(REPLAY_WITHIN)
    assert refused(await ada.send("POST", "/oauth/token", **whole))  # and so it does not end the grant as reused
    form["refresh_token"] = answer.json()["refresh_token"]
    answer = await ada.send("POST", "/oauth/token", form=form, headers={"DPoP": proof(any_world)})
    assert answer.status_code == 200


async def test_a_code_is_bound_from_the_first_request_on(world: World, ada: Browser) -> None:
    """RFC 9449 section 10: through the sign-in at the Provider; a malformed thumbprint is told at once."""
    request = ask(dpop_jkt=HOLDER.thumbprint)
    code = await ada.code_for(request)
    answer = await ada.redeem(request, code, may_change=("grants", "revocations"))
    assert refused(answer, "invalid_grant")
    assert (await bound(world, ada, dpop_jkt=HOLDER.thumbprint))["token_type"] == "DPoP"
    answer = await ada.get(ask(dpop_jkt="short").url)
    assert "error=invalid_request" in answer.headers["Location"]


async def test_pages_of_an_application_can_send_proofs(world: World, ada: Browser) -> None:
    """G13-06: the preflight allows the header; its own origin reads answer and refusal, no other does."""
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "dpop"}
    for path in ("/oauth/token", "/oauth/par", "/oauth/revoke", "/oauth/userinfo"):
        answer = await ada.send("OPTIONS", path, headers=asked)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")
        assert "DPoP" in answer.headers["Access-Control-Allow-Headers"].split(", ")
        assert "Access-Control-Allow-Credentials" not in answer.headers
    form = {"grant_type": "refresh_token", "client_id": "demo-app", "refresh_token": "x"}
    for origin, told in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
        answer = await ada.send("POST", "/oauth/token", form=form, headers={"Origin": origin})
        assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (400, told)
        assert ("Access-Control-Expose-Headers" in answer.headers) is (told is not None)
        pushed = ask(dpop_jkt=THIEF.thumbprint).parameters
        headers = {"Origin": origin, "DPoP": proof(world, "/oauth/par")}
        answer = await ada.send("POST", "/oauth/par", form=pushed, headers=headers)
        assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (400, told)


async def test_discovery_names_the_algorithms(world: World, ada: Browser) -> None:
    """RFC 9449 section 5.1: those that each proof may be signed by."""
    told = (await ada.get("/.well-known/openid-configuration")).json()
    assert told["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]


async def test_no_gateway_takes_a_bound_token(world: World, ada: Browser) -> None:
    """Its proof is of the service's address, which the broker does not know: it would be taken for any request."""
    await world.declare(CLI)
    cli = {"client_id": "cli", "redirect_uri": "https://app.example/callback"}
    token = (await bound(world, ada, **cli))["access_token"]
    path = "/forward-auth/desk"
    shown = {"Authorization": f"DPoP {token}", "DPoP": proof(world, path, htm="GET", token=token)}

    for headers in (shown, {"Authorization": f"DPoP {token}"}, {"Authorization": f"Bearer {token}"}):
        assert (await world.browser().get(path, headers=headers)).status_code == 401
    free = (await tokens_for(ada, {}, **cli))["access_token"]
    assert (await world.browser().get(path, headers={"Authorization": f"Bearer {free}"})).status_code == 202
