"""What can be done with a token that was exchanged, for how long, and who can end it."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import RevokeGrant
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import GrantId
from broker.domain.policy import RESERVED_CLAIMS
from broker.flows.possession import ShownToken
from broker.flows.tokens.authorizations import authorizations
from broker.flows.tokens.revoke import revoke_token
from broker.flows.tokens.userinfo import userinfo
from tests.flows.refusals import refusal
from tests.flows.setting import CLIENTS, GLOBEX, NOW, POLICY
from tests.flows.tokens.exchanging import BILLING, SERVICES, claims_of, proof, signed_in, swap, told, with_services
from tests.flows.world import World

pytestmark = pytest.mark.anyio

NOT_ACTIVE = {"active": False}


@pytest.fixture
async def world() -> World:
    """Where the services are registered."""
    return await with_services()


@pytest.fixture
async def subject(world: World) -> str:
    """Ada's session JWT for `api`."""
    tokens = await signed_in(world, scope="openid email profile offline_access")
    return tokens.access_token


@pytest.fixture
async def exchanged(world: World, subject: str) -> str:
    """What `api` got for it: for billing, and of globex alone."""
    return (await swap(world, subject, "api", BILLING, organization="globex")).access_token


@pytest.mark.parametrize("to", ["api", "billing"])
async def test_it_is_told_to_who_got_it_and_to_whom_it_is_for(world: World, exchanged: str, to: str) -> None:
    """Who acts too; and of the Client that it was narrowed to alone."""
    claims = {name: value for name, value in claims_of(world, exchanged).items() if name in RESERVED_CLAIMS}

    assert await told(world, exchanged, to) == {"active": True, "token_type": "Bearer"} | claims | {
        "authorizations": {GLOBEX: ("reports:read",)}
    }


async def test_nobody_else_learns_of_it(world: World, exchanged: str) -> None:
    """Nor of the subject token who has only the new one."""
    for other in ("reports", "store"):
        assert await told(world, exchanged, other) == NOT_ACTIVE


async def test_it_speaks_of_its_client_alone(world: World, exchanged: str) -> None:
    """Though the Grant that it comes from speaks of all."""
    assert await authorizations(ShownToken(text=exchanged), world.ports) == {GLOBEX: ("reports:read",)}


async def test_userinfo_tells_by_its_own_scopes_and_client(world: World, subject: str) -> None:
    """Globex releases the name here, and acme does not."""
    clients = POLICY["google"]["clients"] | {"globex": {"keep": ["email", "name"], "release": ["email", "name"]}}
    ports = world.with_policy({"google": POLICY["google"] | {"clients": clients}})
    wishes: tuple[tuple[dict[str, Any], set[str]], ...] = (
        ({"organization": "globex"}, {"email", "name"}),
        ({"organization": "acme"}, {"email"}),
        ({"organization": "globex", "scope": "openid profile"}, {"name"}),
        ({"scope": "openid profile"}, set()),
    )
    for asked, names in wishes:
        token = (await swap(world, subject, "api", **asked)).access_token
        assert (await userinfo(ShownToken(text=token), ports)).claims.keys() == names | {"sub"}


async def changed(world: World, how: str, exchanged: str) -> None:
    """What ends it."""
    match how:
        case "grant revoked":
            grant = GrantId(claims_of(world, exchanged)["jti"].split(".")[0])
            await world.store.write(RevokeGrant(grant_id=grant, reason="revoked_by_application", at=NOW))
        case "authorization withdrawn":
            await world.declare(
                applications=SERVICES, clients=CLIENTS | {"globex": CLIENTS["globex"] | {"authorizations": []}}
            )
        case "may not exchange any more":
            api: dict[str, Any] = SERVICES["api"] | {"grants": ["client_credentials"], "exchange_audiences": []}
            await world.declare(applications=SERVICES | {"api": api})
        case "removed":
            await world.declare(applications={k: v for k, v in SERVICES.items() if k != "api"})


@pytest.mark.parametrize("how", ["grant revoked", "authorization withdrawn", "may not exchange any more", "removed"])
async def test_it_ends_with_what_it_comes_from(world: World, exchanged: str, how: str) -> None:
    """Introspection, the API, and whoever would exchange it further, at once."""
    await changed(world, how, exchanged)

    assert await told(world, exchanged, "billing") == NOT_ACTIVE
    with refusal(OAuthRefusal, "invalid_token"):
        await authorizations(ShownToken(text=exchanged), world.ports)
    with refusal(OAuthRefusal, "invalid_request"):
        await swap(world, exchanged, "billing", scope="openid")


async def test_it_cannot_be_ended_alone(world: World, subject: str, exchanged: str) -> None:
    """RFC 7009 section 2.2.1, G10-08: who got it is told so, and what the other Application has goes on."""
    world.forget()
    with refusal(OAuthRefusal, "unsupported_token_type"):
        await revoke_token(proof("api"), exchanged, world.ports, request_id="r")
    for other in ("demo-app", "billing"):
        await revoke_token(proof(other), exchanged, world.ports, request_id="r")

    assert world.written == []
    assert await authorizations(ShownToken(text=exchanged), world.ports)
    assert await authorizations(ShownToken(text=subject), world.ports)


async def test_whose_grant_it_is_ends_it_with_everything_else(world: World) -> None:
    """By any token of its own, also one that it narrowed itself."""
    tokens = await signed_in(world, "reports")
    there = (await swap(world, tokens.access_token, "reports", BILLING)).access_token
    further = (await swap(world, there, "billing", scope="openid")).access_token
    await revoke_token(proof("reports"), there, world.ports, request_id="r")

    for token in (tokens.access_token, there, further):
        with refusal(OAuthRefusal, "invalid_token"):
            await authorizations(ShownToken(text=token), world.ports)


async def test_a_removed_grant_leaves_nothing_to_revoke(world: World, exchanged: str) -> None:
    """The Application that the User signed in at is gone: 200, as for what is unknown."""
    await world.declare(applications={k: v for k, v in SERVICES.items() if k != "demo-app"})
    world.forget()
    await revoke_token(proof("api"), exchanged, world.ports, request_id="r")

    assert world.written == []
