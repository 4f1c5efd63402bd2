"""G10: Applications that prove themselves by a key: each assertion once, for this broker alone, for a short while."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import httpx2
import pytest

from broker.domain.assertion import KEPT_LONGER, MAX_LIFETIME, TYPE
from tests.flows.asserted import JWKS, assertion
from tests.security.browser import Browser, ask, until_served
from tests.security.template import SECRETS
from tests.security.world import World

pytestmark = pytest.mark.anyio

ENDPOINTS = ("token", "revoke", "introspect")
_KEYED = """
[applications.keyed]
name = "Keyed"
type = "confidential"
jwks = { file = "jwks.json" }
grants = ["authorization_code", "refresh_token", "client_credentials"]
redirect_uris = ["https://app.example/callback"]
audience = "https://keyed.example"
first_party = true
"""


async def declared(world: World) -> None:
    """With the key in a file, as its owner hands it over."""
    (world.folder / "jwks.json").write_text(json.dumps(JWKS))
    await world.declare(_KEYED)


async def prove(
    browser: Browser, world: World, proof: str | None = None, *, at: str = "token", **changes: Any
) -> httpx2.Response:
    """Ask with an assertion; changes of its claims, or (in lower case with `form_`) of the form."""
    form = {name.removeprefix("form_"): changes.pop(name) for name in [*changes] if name.startswith("form_")}
    good = proof or assertion("keyed", world.settings.issuer, world.clock.now(), **changes)
    asked: dict[str, str | None] = {"client_assertion": good, "client_assertion_type": TYPE}
    asked |= {"grant_type": "client_credentials"} if at == "token" else {"token": "x"}
    sent = {name: value for name, value in (asked | form).items() if value is not None}
    return await browser.send("POST", f"/oauth/{at}", form=sent)


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 401 and answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("at", ENDPOINTS)
async def test_a_key_opens_every_endpoint_once(any_world: World, at: str) -> None:
    """G10-03: replayed at this process, at another, at another endpoint, it is refused. Redis plays no part."""
    await declared(any_world)
    proof = assertion("keyed", any_world.settings.issuer, any_world.clock.now())
    assert (await prove(any_world.browser(), any_world, proof, at=at)).status_code == 200

    other = await any_world.another()
    for browser in (any_world.browser(), any_world.browser(app=other)):
        for again in ENDPOINTS:
            assert refused(await prove(browser, any_world, proof, at=again))


async def test_of_many_at_once_one_wins(any_world: World) -> None:
    """G10-03: thirty-two at two processes; the database decides."""
    await declared(any_world)
    other = await any_world.another()
    proof = assertion("keyed", any_world.settings.issuer, any_world.clock.now())
    rivals = [any_world.browser(app=(any_world.app, other)[number % 2]) for number in range(32)]
    with any_world.watch.together():
        answers = await asyncio.gather(*(until_served(partial(prove, rival, any_world, proof)) for rival in rivals))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 31


async def test_it_is_remembered_as_long_as_it_is_good(world: World, ada: Browser) -> None:
    """Also by what clears away what has expired; afterwards it has expired itself."""
    await declared(world)
    proof = assertion("keyed", world.settings.issuer, world.clock.now(), exp=world.clock.now() + MAX_LIFETIME)
    assert (await prove(ada, world, proof)).status_code == 200
    for seconds in (MAX_LIFETIME - 1, 1, KEPT_LONGER):
        world.clock.advance(seconds)
        await world.store.forget_expired(world.clock.now())
        assert refused(await prove(ada, world, proof))
    assert await world.count("taken_attempts") == 0


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"iat": 8}, True),
        ({"iat": 60}, False),
        ({"exp": -300}, False),
        ({"exp": 0}, False),
        ({"exp": 3600}, False),
    ],
)
async def test_its_times_are_looked_at(world: World, ada: Browser, changes: dict[str, int], good: bool) -> None:
    """G10-04: seconds from now."""
    await declared(world)
    times: dict[str, Any] = {name: world.clock.now() + value for name, value in changes.items()}
    answer = await prove(ada, world, **times)

    assert (answer.status_code == 200) is good
    assert good or refused(answer)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["https://id.example"]},
        {"aud": ["https://id.example", "https://other.example"]},
        {"aud": "https://id.example/oauth/token"},
        {"aud": "https://id.example/"},
        {"aud": "https://other.example"},
        {"aud": ...},
        {"sub": ...},
        {"sub": "crm"},
        {"sub": "reports"},
        {"iss": ...},
        {"iss": "crm"},
        {"exp": ...},
        {"jti": ...},
        {"jti": ""},
    ],
)
@pytest.mark.parametrize("at", ENDPOINTS)
async def test_it_says_who_and_for_whom(world: World, ada: Browser, at: str, changes: dict[str, Any]) -> None:
    """G10-04: and what is refused is not written down."""
    await declared(world)

    assert refused(await prove(ada, world, at=at, **changes))
    assert await world.count("taken_attempts") == 0


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"form_client_id": "keyed"}, 200),
        ({"form_client_id": "crm"}, 401),
        ({"form_client_secret": SECRETS["crm"]}, 400),
        ({"form_client_assertion_type": None}, 401),
        ({"form_client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, 401),
        ({"form_client_assertion": None}, 401),
        ({"form_client_assertion": "x"}, 401),
        ({"form_client_assertion": "a.b.c"}, 401),
        ({"form_client_assertion": "e30.bnVsbA.e30"}, 401),
        ({"form_client_assertion": "e30.eyJzdWIiOjd9.e30"}, 401),
        ({"form_client_assertion": "e30.eyJzdWIiOiJrZXllZCJ9.e30"}, 401),
        ({"form_client_assertion": "e30." + "A" * 4000 + ".e30"}, 401),
        ({"form_client_assertion": "x" * 5000}, 400),
    ],
)
async def test_it_comes_whole_and_alone(world: World, ada: Browser, form: dict[str, Any], status: int) -> None:
    """RFC 7521 section 4.2; one way of authenticating, not two."""
    await declared(world)

    assert (await prove(ada, world, **form)).status_code == status


@pytest.mark.parametrize("application", ["reports", "demo-app", "nobody"])
async def test_who_has_no_key_has_no_use_for_one(world: World, ada: Browser, application: str) -> None:
    """An Application with a secret, a public one, none."""
    await declared(world)

    assert refused(await prove(ada, world, iss=application, sub=application))


async def test_the_whole_way(world: World, ada: Browser) -> None:
    """G07-15: code, two refreshes with the same token, and both again with a used assertion: refused, nothing burnt."""
    await declared(world)
    request = ask("demo-app", client_id="keyed", scope="openid offline_access")
    code = await ada.code_for(request)
    form: dict[str, Any] = {"form_grant_type": "authorization_code", "form_code": code}
    form |= {"form_redirect_uri": request.parameters["redirect_uri"], "form_code_verifier": request.verifier}
    used = assertion("keyed", world.settings.issuer, world.clock.now(), jti="used")
    assert (await prove(ada, world, used)).status_code == 200
    assert refused(await prove(ada, world, used, **form))
    tokens = (await prove(ada, world, jti="code", **form)).json()

    form = {"form_grant_type": "refresh_token", "form_refresh_token": tokens["refresh_token"]}
    assert refused(await prove(ada, world, used, **form))
    for name in ("first", "second"):
        assert (await prove(ada, world, jti=name, **form)).json()["refresh_token"] == tokens["refresh_token"]


async def test_discovery_says_so(world: World, ada: Browser) -> None:
    """RFC 8414 section 2: methods, and algorithms wherever there is one."""
    document = (await ada.get("/.well-known/openid-configuration")).json()
    for at in ("token", "revocation", "introspection"):
        assert "private_key_jwt" in document[f"{at}_endpoint_auth_methods_supported"]
        named = document[f"{at}_endpoint_auth_signing_alg_values_supported"]
        assert named == ["ES256", "EdDSA", "Ed25519", "PS256", "RS256"]
