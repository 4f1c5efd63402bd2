"""The client credentials grant: an Application's session JWT for itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.application import ApplicationType
from broker.domain.changes import PutApplication
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.domain.session_token import LIFETIME
from broker.flows.live_grant import live_grant
from broker.flows.possession import ShownToken
from broker.flows.tokens.for_itself import OwnToken, token_for_itself
from broker.flows.tokens.introspect import introspect
from broker.flows.tokens.revoke import revoke_token
from tests.flows.refusals import refusal
from tests.flows.setting import APPLICATIONS, ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

FOLLOWING = APPLICATIONS | {"robot": APPLICATIONS["robot"] | {"scopes": ["revocations"]}}
READER = APPLICATIONS["crm"] | {"audience": APPLICATIONS["robot"]["audience"]}


async def ask(
    world: World, application: str = "robot", *, secret: str | None = "", scope: str | None = None
) -> OwnToken:
    """As this Application."""
    return await token_for_itself(world.credentials(application, secret=secret), scope, None, world.ports)


async def about(world: World, token: OwnToken, application: str = "robot") -> Mapping[str, Any]:
    """What this Application is told of it."""
    return await introspect(world.credentials(application), token.access_token, world.ports)


async def test_it_gets_a_session_jwt_for_itself(world: World) -> None:
    """One read, no write; a name of its own each time."""
    await world.declare(applications=FOLLOWING)
    world.forget()
    token = await ask(world, scope="revocations")
    assert [name for name, *_ in world.store.received] == ["application"]

    claims = world.signer.verify(token.access_token, typ="at+jwt", audience=None, now=NOW)
    assert claims is not None
    again = world.signer.verify((await ask(world)).access_token, typ="at+jwt", audience=None, now=NOW)
    assert again is not None and claims["jti"] != again["jti"]
    assert (claims["iss"], claims["sub"], claims["client_id"]) == (ISSUER, "robot", "robot")
    assert (claims["aud"], claims["scope"]) == ("https://robot.example", "revocations")
    assert (token.scope, token.expires_in) == ("revocations", LIFETIME)
    assert not {"sid", "auth_time", "authorizations", "authorizations_ref"} & claims.keys()
    assert world.written == []


@pytest.mark.parametrize("scope", ["revocations", "openid", "offline_access"])
async def test_a_scope_that_was_not_given_is_refused(world: World, scope: str) -> None:
    """Also those which Users' sign-ins have."""
    with refusal(OAuthRefusal, "invalid_scope"):
        await ask(world, scope=scope)


@pytest.mark.parametrize(
    ("application", "secret", "code"),
    [
        ("robot", None, "invalid_client"),
        ("robot", "wrong", "invalid_client"),
        ("nobody", "x", "invalid_client"),
        ("reports", "", "unauthorized_client"),
        ("demo-app", "", "unauthorized_client"),
    ],
)
async def test_nobody_else_gets_one(world: World, application: str, secret: str | None, code: str) -> None:
    """RFC 6749 section 4.4: who cannot prove itself, and who is not registered for it."""
    with refusal(OAuthRefusal, code):
        await ask(world, application, secret=secret)


async def test_a_public_application_gets_none_however_it_is_registered(world: World) -> None:
    """The file refuses it; the grant does too."""
    found = await world.ports.store.application(ApplicationId("robot"))
    assert found is not None
    await world.store.write(PutApplication(application=replace(found, type=ApplicationType.PUBLIC, secrets=())))

    with refusal(OAuthRefusal, "unauthorized_client"):
        await ask(world, secret=None)


async def test_no_user_is_behind_it(world: World) -> None:
    """Userinfo and `authorizations_ref` are for tokens of a sign-in (RFC 6750 section 3.1)."""
    token = await ask(world)

    with refusal(OAuthRefusal, "insufficient_scope"):
        await live_grant(ShownToken(text=token.access_token), world.ports)


async def test_it_can_be_asked_about(world: World) -> None:
    """By its Application, and by one whose `audience` it is for; nobody else."""
    await world.declare(applications=FOLLOWING | {"crm": READER})
    token = await ask(world, scope="revocations")
    world.forget()

    told = await about(world, token)
    assert (told["active"], told["sub"], told["scope"], told["token_type"]) == (True, "robot", "revocations", "Bearer")
    assert await about(world, token, "crm") == told
    assert await about(world, token, "reports") == {"active": False}
    assert world.written == []


@pytest.mark.parametrize("change", [{"grants": ["authorization_code"]}, {"scopes": ...}])
async def test_it_is_over_when_it_would_not_be_given_any_more(world: World, change: dict[str, Any]) -> None:
    """The grant or the scope was taken away."""
    await world.declare(applications=FOLLOWING)
    token = await ask(world, scope="revocations")
    changed = {k: v for k, v in (FOLLOWING["robot"] | change).items() if v is not ... and k != "scopes"}
    await world.declare(applications=FOLLOWING | {"robot": changed})

    assert await about(world, token) == {"active": False}


async def test_it_is_over_when_its_application_is_gone(world: World) -> None:
    """As the service that it was for finds."""
    await world.declare(applications=APPLICATIONS | {"crm": READER})
    token = await ask(world)
    assert (await about(world, token, "crm"))["active"]
    await world.declare(applications={k: v for k, v in APPLICATIONS.items() if k != "robot"} | {"crm": READER})

    assert await about(world, token, "crm") == {"active": False}


async def test_it_cannot_be_revoked(world: World) -> None:
    """RFC 7009 section 2.2.1: what ends by itself in minutes is not said to be over. To others it is unknown."""
    token = await ask(world)
    with refusal(OAuthRefusal, "unsupported_token_type"):
        await revoke_token(world.credentials("robot"), token.access_token, world.ports, request_id="r")

    await revoke_token(world.credentials("crm"), token.access_token, world.ports, request_id="r")
    assert world.written == []


def test_a_token_is_not_shown() -> None:
    """In a log, say."""
    assert "canary" not in repr(OwnToken(access_token="canary", token_type="Bearer", expires_in=1, scope=""))
