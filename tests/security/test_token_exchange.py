"""G10-09, G11-05: a token is exchanged for a narrower one by those who may; one of one Client tells of no other."""

from __future__ import annotations

import random
from typing import Any

import httpx2
import pytest

from broker.domain.client_org import Authorization, ClientOrg
from broker.domain.ids import AuthorizationId, ClientOrgId, KeyedHash, UserId
from broker.flows.possession import ShownToken
from broker.flows.tokens.authorizations import authorizations
from broker.flows.tokens.userinfo import userinfo
from tests.flows.setting import POLICY
from tests.flows.tokens.exchanging import BILLING, GRANT, claims_of, signed_in, swap, told, with_services
from tests.security.browser import Browser, ask
from tests.security.template import SECRETS
from tests.security.world import World

pytestmark = pytest.mark.anyio

SERVICES = f"""
[applications.api]
name = "The service that demo-app calls"
type = "confidential"
secret = {{ file = "reports" }}
grants = ["{GRANT}"]
audience = "https://api.example"
exchange_audiences = ["https://billing.example"]

[applications.billing]
name = "The service that api calls"
type = "confidential"
secret = {{ file = "crm" }}
grants = ["client_credentials"]
audience = "https://billing.example"
"""
SECRET_OF = {"api": SECRETS["reports"], "billing": SECRETS["crm"]}


async def exchanged(browser: Browser, token: str, by: str = "api", **changes: str | None) -> httpx2.Response:
    """As this Application; a parameter changed to None is left out."""
    form: dict[str, str | None] = {
        "grant_type": GRANT,
        "client_id": by,
        "client_secret": (SECRETS | SECRET_OF).get(by),
        "subject_token": token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "audience": "https://billing.example",
        **changes,
    }
    pairs = [(name, value) for name, value in form.items() if value is not None]
    return await browser.send("POST", "/oauth/token", form=pairs)


async def test_a_service_gets_a_token_for_another_service(world: World, ada: Browser) -> None:
    """RFC 8693 section 2.2.1: the answer to the letter, the line in the ledger, and what the other service learns."""
    await world.declare(SERVICES)
    tokens = await ada.tokens_for(ask())
    answer = await exchanged(ada, tokens["access_token"], organization="globex", actor_token="")
    body = answer.json()

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "openid email profile")
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    (event,) = await world.store.events(1)
    assert (event.action, event.outcome, event.application_id, event.client_org) == (
        "exchange",
        "done",
        "api",
        "globex",
    )
    secret = SECRET_OF["billing"]
    learnt = (await ada.about_token("introspect", body["access_token"], "billing", client_secret=secret)).json()
    assert (learnt["active"], learnt["act"], learnt["aud"]) == (True, {"sub": "api"}, "https://billing.example")
    assert learnt["authorizations"] == {"globex": ["reports:read"]}
    assert GRANT in (await ada.get("/.well-known/openid-configuration")).json()["grant_types_supported"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"by": "demo-app"}, "unauthorized_client"),
    ({"by": "reports"}, "unauthorized_client"),
    ({"by": "billing"}, "unauthorized_client"),
    ({"client_secret": "wrong"}, "invalid_client"),
    ({"subject_token": None}, "invalid_request"),
    ({"subject_token": ""}, "invalid_request"),
    ({"subject_token": "x"}, "invalid_request"),
    ({"subject_token_type": None}, "invalid_request"),
    ({"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
    ({"actor_token": "x"}, "invalid_request"),
    ({"actor_token_type": "x"}, "invalid_request"),
    ({"organization": "nobody"}, "invalid_request"),
    ({"audience": None}, "invalid_request"),
    ({"audience": "https://reports.example"}, "invalid_target"),
    ({"resource": "https://billing.example"}, "invalid_target"),
    ({"scope": "openid phone"}, "invalid_scope"),
]


async def test_nothing_else_is_exchanged(world: World, ada: Browser) -> None:
    """G10-09: off by default; absent, empty, wrong. Each refusal has a line of its own, which the world looks for."""
    await world.declare(SERVICES)
    tokens = await ada.tokens_for(ask())
    answers = [await exchanged(ada, **{"token": tokens["access_token"]} | changes) for changes, _ in REFUSED]

    assert [answer.json()["error"] for answer in answers] == [error for _, error in REFUSED]
    assert (await ada.userinfo(tokens["access_token"])).status_code == 200


async def test_a_token_narrowed_to_one_client_does_not_show_that_there_are_others() -> None:
    """G11-05: over 10,000 random memberships, with rights of the same names and policies that differ.

    Whatever is said of the token is what would be said if the User acted for this one Client alone.
    """
    world = await with_services()
    subject = (await signed_in(world, scope="openid email profile")).access_token
    user = UserId(claims_of(world, subject)["sub"])
    numbers = random.Random(11)
    rights = ["invoices:read", "reports:read", "reports:write"]
    memberships = 0
    while memberships < 10_000:
        names = [ClientOrgId(f"client-{number}") for number in range(numbers.choice([1, 2, 5, 40, 120]))]
        given = {name: frozenset(numbers.sample(rights, numbers.randint(0, 3))) for name in names}
        mine = numbers.choice(names)
        rules = {
            name: {"keep": ["email", "name"], "release": numbers.choice(([], ["email", "name"]))} for name in names
        }
        ports = world.with_policy({"google": POLICY["google"] | {"clients": rules}})
        world.ports, said = ports, []
        for held in (given, {mine: given[mine]}):
            tables = world.store.tables
            tables.client_orgs.clear()
            tables.authorizations.clear()
            for name in held:
                tables.client_orgs[name] = ClientOrg(id=name, name=name, rights=frozenset(rights))
                key = AuthorizationId(f"atz_{name}")
                tables.authorizations[key] = Authorization(
                    id=key, client_org=name, invited_email=KeyedHash(""), user_id=user, rights=held[name], created_at=0
                )
            token = (await swap(world, subject, "api", BILLING, organization=mine)).access_token
            claims = claims_of(world, token) | {"jti": ""}
            assert claims["authorizations"] == {mine: sorted(given[mine])}
            introspected = {**await told(world, token, "billing"), "jti": ""}
            shown = ShownToken(text=token)
            released = (await userinfo(shown, ports)).claims
            said.append((claims, introspected, released, await authorizations(shown, ports)))
        assert said[0] == said[1]
        memberships += len(names)
