"""Who may follow revocations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.application import ApplicationType, GrantType
from broker.domain.changes import PutApplication, RemoveApplication
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.flows.possession import ShownToken
from broker.flows.revocations.admit import admit
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


FEED = ApplicationId("feed")


@pytest.fixture(autouse=True)
async def feed(world: World) -> None:
    """An Application that may follow."""
    await put(world)


async def put(world: World, **changes: Any) -> None:
    demo = await world.store.application(ApplicationId("demo-app"))
    assert demo is not None
    follows: dict[str, Any] = {
        "id": FEED,
        "type": ApplicationType.CONFIDENTIAL,
        "grants": frozenset({GrantType.CLIENT_CREDENTIALS}),
        "scopes": frozenset({"revocations"}),
    }
    await world.store.write(PutApplication(application=replace(demo, **(follows | changes))))


def token(world: World, **claims: Any) -> str:
    told = {"iss": ISSUER, "exp": NOW + 300, "client_id": FEED, "sub": FEED, "scope": "revocations"} | claims
    return world.signer.sign({name: value for name, value in told.items() if value is not None}, typ="at+jwt")


async def test_a_token_with_the_scope_may_follow(world: World) -> None:
    """Until it expires; nothing is written for it."""
    world.forget()
    follower = await admit(ShownToken(text=token(world)), world.ports)

    assert (follower.application_id, follower.expires_at) == (FEED, NOW + 300)
    assert world.written == []


@pytest.mark.parametrize("scope", [None, "", "openid", "revocations2", "xrevocations", "openid,revocations"])
async def test_another_scope_is_not_enough(world: World, scope: str | None) -> None:
    """RFC 6750 section 3.1; a User's session JWT is not, whatever it is for."""
    with refusal(OAuthRefusal, "insufficient_scope"):
        await admit(ShownToken(text=token(world, scope=scope)), world.ports)
    for claims in ({"sub": "usr_ada"}, {"sid": "ses_1"}, {"client_id": None}):
        with refusal(OAuthRefusal, "insufficient_scope"):
            await admit(ShownToken(text=token(world, **claims)), world.ports)
    of_a_user = await world.redeem(await world.code(ADA))
    with refusal(OAuthRefusal, "insufficient_scope"):
        await admit(ShownToken(text=of_a_user.access_token), world.ports)


async def test_what_is_no_token_of_ours_is_refused(world: World) -> None:
    """Nothing, nonsense, an ID token, another issuer's, one that has expired."""
    wrong = ["", "a.b.c", token(world, iss="https://evil.example"), token(world, exp=NOW), token(world, exp=None)]
    wrong.append(world.signer.sign({"iss": ISSUER, "exp": NOW + 9, "scope": "revocations"}, typ="JWT"))
    for text in wrong:
        with refusal(OAuthRefusal, "invalid_token"):
            await admit(ShownToken(text=text), world.ports)


async def test_an_application_that_is_gone_may_not_follow(world: World) -> None:
    """Nor one that was given less since: its token lives on for some minutes."""
    good = token(world)
    lesser: list[dict[str, Any]] = [{"scopes": frozenset()}, {"grants": frozenset()}, {"type": ApplicationType.PUBLIC}]
    for less in lesser:
        await put(world, **less)
        with refusal(OAuthRefusal, "invalid_token"):
            await admit(ShownToken(text=good), world.ports)
    await world.store.write(RemoveApplication(application_id=FEED, at=NOW))
    with refusal(OAuthRefusal, "invalid_token"):
        await admit(ShownToken(text=good), world.ports)
