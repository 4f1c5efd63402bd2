"""Is what a session JWT stands for still alive? The step that userinfo and `authorizations_ref` share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import EndSession, RemoveApplication, RevokeGrant, SetUserStatus, TouchSession
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.domain.session import ABSOLUTE_LIFETIME, IDLE_LIFETIME
from broker.domain.session_token import LIFETIME
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from broker.flows.live_grant import live_grant
from broker.flows.possession import ShownToken
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, CLIENTS, GLOBEX, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def token(world: World, application: str = "demo-app", **request: str | None) -> str:
    """A session JWT of Ada's."""
    return (await world.redeem(await world.code(ADA, application, **request), application)).access_token


async def dead(world: World, session_jwt: str, why: str) -> None:
    """It is refused with the one answer there is; the reason is for the log."""
    with refusal(OAuthRefusal, "invalid_token") as caught:
        await live_grant(ShownToken(text=session_jwt), world.ports)
    assert caught.value.detail == why
    assert caught.value.sentence == "The token is invalid, expired or was revoked."


async def test_a_living_token_leads_to_its_grant_and_rights(world: World) -> None:
    """Every Client's, sorted; nothing is written for the question."""
    session_jwt = await token(world)
    world.forget()
    found, rights = await live_grant(ShownToken(text=session_jwt), world.ports)

    assert [found.grant] == [*world.store.tables.grants.values()]
    assert rights == {ACME: ("invoices:read", "reports:read"), GLOBEX: ("reports:read",)}
    assert world.written == []


async def test_a_token_for_one_client_leads_to_that_one_alone(world: World) -> None:
    """Whatever else the User may do."""
    _, rights = await live_grant(ShownToken(text=await token(world, organization="globex")), world.ports)

    assert rights == {GLOBEX: ("reports:read",)}


async def test_only_our_own_session_jwts_are_taken(world: World) -> None:
    """Nothing, nonsense, an ID token, a forged one, one of another issuer's with the same key."""
    tokens = await world.redeem(await world.code())
    foreign = world.signer.sign({"iss": "https://evil.example", "exp": NOW + 60, "jti": "x"}, typ="at+jwt")

    for wrong in ("", "a.b.c", tokens.id_token, tokens.access_token[:-4] + "AAAA", foreign):
        await dead(world, wrong, "not one of our session JWTs, or expired")


async def test_a_token_lives_for_five_minutes(world: World) -> None:
    """And not a second more."""
    session_jwt = await token(world)
    world.clock.advance(LIFETIME - 1)
    await live_grant(ShownToken(text=session_jwt), world.ports)
    world.clock.advance(1)

    await dead(world, session_jwt, "not one of our session JWTs, or expired")


@pytest.mark.parametrize("jti", [None, "", "gnt_unknown.tok_1", ".tok_1", 7])
async def test_a_token_without_a_grant_stands_for_nothing(world: World, jti: object) -> None:
    """Though we signed it."""
    claims = {"iss": "https://id.partner-ops.example", "exp": NOW + 60} | ({} if jti is None else {"jti": jti})

    await dead(world, world.signer.sign(claims, typ="at+jwt"), "grant revoked")


async def test_a_code_that_was_not_redeemed_has_no_tokens(world: World) -> None:
    """A token that names its Grant cannot be one of its own."""
    await world.code()
    (grant,) = world.store.tables.grants.values()
    claims = {"iss": "https://id.partner-ops.example", "exp": NOW + 60, "jti": f"{grant.id}.tok_1"}

    await dead(world, world.signer.sign(claims, typ="at+jwt"), "grant revoked")


async def test_a_revoked_grant_is_dead(world: World) -> None:
    """At once."""
    session_jwt = await token(world)
    (grant,) = world.store.tables.grants.values()
    await world.store.write(RevokeGrant(grant_id=grant.id, reason="test", at=NOW))

    await dead(world, session_jwt, "grant revoked")


async def test_a_grant_of_an_application_that_was_removed_is_dead(world: World) -> None:
    """It went with the Application."""
    session_jwt = await token(world)
    await world.store.write(RemoveApplication(application_id=ApplicationId("demo-app"), at=world.clock.now()))

    await dead(world, session_jwt, "grant revoked")


async def test_a_grant_dies_with_its_session(world: World) -> None:
    """Signed out, or disconnected, or idle for too long."""
    ended, disconnected = await token(world), await token(world, "reports")
    first, second = world.store.tables.grants.values()
    await world.store.write(EndSession(session_id=first.session_id, user_id=first.user_id, at=NOW))
    await dead(world, ended, "session ended")

    await live_grant(ShownToken(text=disconnected), world.ports)
    connection_id = (await world.connection()).connection.id
    await revoke(connection_id, second.user_id, world.ports, request_id="req-revoke")
    await dead(world, disconnected, "session ended")


async def test_a_grant_dies_when_its_session_is_too_old(world: World) -> None:
    """Tokens are fresh, as they were fetched just now; the sign-in behind them is not."""
    await world.code()
    (grant,) = world.store.tables.grants.values()
    for _ in range(ABSOLUTE_LIFETIME // IDLE_LIFETIME * 2):
        world.clock.advance(IDLE_LIFETIME // 2)
        await world.store.write(TouchSession(session_id=grant.session_id, at=world.clock.now()))
    world.store.tables.grants[grant.id] = replace(grant, redeemed_at=world.clock.now())
    claims = {
        "iss": "https://id.partner-ops.example",
        "exp": world.clock.now() + LIFETIME,
        "jti": f"{grant.id}.tok_1",
    }

    await dead(world, world.signer.sign(claims, typ="at+jwt"), "session ended")


async def test_a_grant_rests_while_its_user_is_switched_off(world: World) -> None:
    """And works again when they are on."""
    session_jwt = await token(world)
    (user_id,) = world.store.tables.users
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    await dead(world, session_jwt, "user is switched off")
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.ACTIVE, at=world.clock.now()))

    await live_grant(ShownToken(text=session_jwt), world.ports)


async def test_a_withdrawn_right_is_gone_at_once(world: World) -> None:
    """The token says what was; the answer says what is."""
    session_jwt = await token(world)
    await world.declare(
        clients=CLIENTS | {"acme": CLIENTS["acme"] | {"rights": ["reports:read"], "authorizations": []}}
    )
    _, rights = await live_grant(ShownToken(text=session_jwt), world.ports)

    assert rights == {GLOBEX: ("reports:read",)}


@pytest.mark.parametrize(("application", "organization"), [("demo-app", "acme"), ("reports", None)])
async def test_a_grant_dies_with_the_authorization_that_it_needs(
    world: World, application: str, organization: str | None
) -> None:
    """The one Client's that it was narrowed to, or any at all; else it would fall under the policy of no Client."""
    session_jwt = await token(world, application, organization=organization)
    await world.declare(clients={})

    await dead(world, session_jwt, "authorization withdrawn")


async def test_a_grant_that_needs_no_authorization_lives_on(world: World) -> None:
    """Whoever has none may still be known to the Application."""
    session_jwt = await token(world)
    await world.declare(clients={})
    _, rights = await live_grant(ShownToken(text=session_jwt), world.ports)

    assert rights == {}
