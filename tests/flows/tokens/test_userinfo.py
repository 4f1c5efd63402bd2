"""What an Application learns about a User with a session JWT."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.connection import ConnectionStatus
from broker.domain.errors import OAuthRefusal
from broker.flows.ports import Ports
from broker.flows.possession import ShownToken
from broker.flows.tokens.userinfo import userinfo
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, CLIENTS, POLICY, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def learn(
    world: World,
    person: Person = ADA,
    *,
    ports: Ports | None = None,
    scope: str = "openid email profile",
    organization: str | None = None,
) -> dict[str, Any]:
    """Userinfo of a person who has just signed in, without `sub`."""
    tokens = await world.redeem(await world.code(person, scope=scope, organization=organization))
    told = dict((await userinfo(ShownToken(text=tokens.access_token), ports or world.ports)).claims)
    assert told.pop("sub") == next(iter(world.store.tables.users))
    return told


async def test_the_released_attributes_are_told(world: World) -> None:
    """Of a person whom no Client narrows: all that the scopes ask for."""
    assert await learn(world, STRANGER) == {"email": "eve@elsewhere.example", "name": "Eve"}


async def test_every_client_has_to_release_an_attribute(world: World) -> None:
    """Acme keeps names, but lets none out."""
    assert await learn(world) == {"email": "ada@acme.example"}
    assert await learn(world, organization="acme") == {"email": "ada@acme.example"}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("openid", {}),
        ("openid email", {"email": "eve@elsewhere.example"}),
        ("openid profile", {"name": "Eve"}),
        ("openid unknown", {}),
    ],
)
async def test_only_what_was_asked_for_is_told(world: World, scope: str, told: dict[str, str]) -> None:
    """By the scopes of the request; unknown ones ask for nothing."""
    assert await learn(world, STRANGER, scope=scope) == told


async def test_what_is_kept_is_not_thereby_released(world: World) -> None:
    """The other Provider's section names no release at all."""
    assert await learn(world, ADA_AT_CORP) == {}


@pytest.mark.parametrize(
    "document",
    [{}, {"google": {"keep": POLICY["google"]["keep"]}}, {"google": POLICY["google"] | {"release": {}, "clients": {}}}],
    ids=["no policy", "no release", "empty release"],
)
async def test_without_a_policy_nothing_is_told(world: World, document: dict[str, Any]) -> None:
    """Though it was kept while there was one."""
    assert await learn(world, STRANGER, ports=world.with_policy(document)) == {}


async def test_a_withdrawn_authorization_does_not_release_more(world: World) -> None:
    """Acme held the name back; now that Ada does not act for it any more, the token made for it says nothing."""
    tokens = await world.redeem(await world.code(organization="acme"))
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})

    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text=tokens.access_token), world.ports)


async def test_a_token_that_is_not_accepted_learns_nothing(world: World) -> None:
    """As everywhere."""
    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text="a.b.c"), world.ports)


async def test_what_does_not_open_is_not_told(world: World) -> None:
    """A new sign-in is needed, which the Connection and the ledger say from then on."""
    tokens = await world.redeem(await world.code())
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")

    with refusal(OAuthRefusal, "invalid_token") as caught:
        await userinfo(ShownToken(text=tokens.access_token), world.ports)
    assert caught.value.detail == "seal broken"
    assert (world.event().action, world.event().reason) == ("vault.open", "seal_broken")
    assert (await world.connection()).connection.status is ConnectionStatus.NEEDS_REAUTH
