"""Services that call each other on a User's behalf, and what they exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain.ids import ApplicationId
from broker.domain.token_exchange import ACCESS_TOKEN, Exchange
from broker.flows.authenticated import Credentials
from broker.flows.issued import Tokens
from broker.flows.possession import SentProof
from broker.flows.tokens.exchange import ExchangedToken, exchange
from broker.flows.tokens.introspect import introspect
from tests.flows.setting import ADA, APPLICATIONS
from tests.flows.world import World, open_world

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
BILLING, STORE, SHIPPING = "https://billing.example", "https://store.example", "https://shipping.example"


def service(name: str, audience: str, *others: str) -> dict[str, Any]:
    """One that validates tokens for this audience, and calls others."""
    secret = f"{name}-secret-canary"
    base = {"name": name.title(), "type": "confidential", "secret": secret, "grants": [GRANT], "audience": audience}
    return base | ({"exchange_audiences": list(others)} if others else {})


SERVICES: dict[str, Any] = APPLICATIONS | {
    "reports": APPLICATIONS["reports"]
    | {
        "grants": ["authorization_code", "refresh_token", GRANT],
        "exchange_audiences": [BILLING, STORE],
        "requires_authorization": False,
    },
    "api": service("api", APPLICATIONS["demo-app"]["audience"], BILLING),
    "billing": service("billing", BILLING, STORE),
    "store": service("store", STORE, SHIPPING),
    "shipping": service("shipping", SHIPPING, BILLING),
}
"""`demo-app` signs in for `api`, which calls `billing`, which calls `store`, which calls `shipping`."""


async def with_services() -> World:
    """A world of one's own, where all of them are registered."""
    world = await open_world()
    await world.declare(applications=SERVICES)
    world.forget()
    return world


def proof(name: str) -> Credentials:
    """Of one of these, which all have such a secret."""
    secret = None if name == "demo-app" else f"{name}-secret-canary"
    return Credentials(application_id=ApplicationId(name), secret=secret)


async def signed_in(world: World, application: str = "demo-app", **changes: str | None) -> Tokens:
    """Ada's tokens of a sign-in."""
    return await world.redeem(await world.code(ADA, application, **changes), application)


async def swap(
    world: World,
    token: str | None,
    by: str = "api",
    *audiences: str,
    sent: SentProof | None = None,
    **asked: Any,
) -> ExchangedToken:
    """Exchange as this Application, which may show a key of its own."""
    wanted = Exchange(subject_token=token or "", **({"subject_token_type": ACCESS_TOKEN} | asked), audiences=audiences)
    return await exchange(proof(by), wanted, sent, world.ports, request_id="req-exchange")


def claims_of(world: World, token: str) -> dict[str, Any]:
    """As a downstream service reads them."""
    claims = world.signer.verify(token, typ="at+jwt", audience=None, now=world.clock.now())
    assert claims is not None
    return claims


async def told(world: World, token: str, to: str) -> Mapping[str, Any]:
    """What this Application hears of the token."""
    return await introspect(proof(to), token, world.ports)
