"""What a gateway asks before each request: who is let in, and that it ends with what it came of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from broker.domain.changes import EndSession, SetAccepted, SetUserStatus, TouchSession
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import NotFound, Refusal
from broker.domain.gateway import GatewayPass
from broker.domain.ids import ApplicationId, GrantId
from broker.domain.session import ABSOLUTE_LIFETIME, IDLE_LIFETIME
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from broker.flows.gateway_application import PASS, TRIP
from tests.flows.gate import DOCUMENTS
from tests.flows.gateways.desk import BOARD, DECLARED, DESK, a_pass, ask, desk, no_gateway_any_more
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, CLIENTS, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_pass_lets_in_with_a_fresh_session_jwt(world: World) -> None:
    """One read, no write; the token is the desk's, and says what a redeemed code's would."""
    cookie = await a_pass(world)
    world.forget()
    one, other = await ask(world, cookie=cookie), await ask(world, cookie=cookie)
    (session,) = world.store.tables.sessions.values()
    claims = world.signer.verify(one.session_jwt, typ="at+jwt", audience="https://desk.example", now=NOW)

    assert [call[0] for call in world.store.received] == ["grant", "grant"]
    assert world.written == []
    assert claims is not None
    assert (claims["sub"], claims["sid"], claims["client_id"]) == (one.user_id, one.session_id, "desk")
    assert list(claims["authorizations"]) == ["acme", "globex"]
    assert (one.user_id, one.session_id) == (session.user_id, session.id)
    assert (one.organization, one.email) == (None, "ada@acme.example")
    assert one.session_jwt != other.session_jwt


async def test_one_organization_alone(world: World) -> None:
    """As the authorize request was narrowed."""
    admitted = await ask(world, cookie=await a_pass(world, organization="acme"))

    assert admitted.organization == "acme"


async def test_a_token_for_this_audience_lets_in_as_it_is(world: World) -> None:
    """The desk's own, in one read, whatever the cookie is."""
    token = (await ask(world, cookie=await a_pass(world))).session_jwt
    world.forget()
    admitted = await ask(world, bearer=token, cookie="nothing", host_only=False)

    assert admitted.session_jwt == token
    assert [call[0] for call in world.store.received] == ["grant"]


async def test_a_token_of_another_application_for_this_audience_lets_in(world: World) -> None:
    """The audience counts, not who had it issued; a token for another audience is none."""
    await desk(world)
    tokens = await world.redeem(await world.code())
    with refusal(Refusal, "not_signed_in"):
        await ask(world, bearer=tokens.access_token)
    shared = DECLARED[DESK] | {"audience": APPLICATIONS["demo-app"]["audience"]}
    await world.declare(applications=DECLARED | {DESK: shared})

    assert (await ask(world, bearer=tokens.access_token)).session_jwt == tokens.access_token


@pytest.mark.parametrize("bearer", ["", "x", "a.b.c", "{own}", "{id}"])
async def test_no_other_token_lets_in_even_beside_a_pass(world: World, bearer: str) -> None:
    """Empty, malformed, an Application's own, an ID token."""
    cookie = await a_pass(world)
    tokens = await world.redeem(await world.code())
    own = world.signer.sign(
        {
            "iss": world.ports.issuer,
            "sub": "robot",
            "client_id": "robot",
            "aud": "https://desk.example",
            "exp": NOW + 9,
        },
        typ="at+jwt",
    )
    with refusal(Refusal, "not_signed_in"):
        await ask(world, bearer=bearer.format(own=own, id=tokens.id_token), cookie=cookie)


async def test_a_token_that_was_ended_lets_nobody_in(world: World) -> None:
    """Although its signature holds."""
    token = (await ask(world, cookie=await a_pass(world))).session_jwt
    await _end_session(world)

    with refusal(Refusal, "not_signed_in"):
        await ask(world, bearer=token)


async def test_no_other_cookie_lets_in(world: World) -> None:
    """Absent, empty, malformed, another Application's, of an unknown Grant, sealed for something else."""
    cookie = await a_pass(world)
    (grant,) = world.store.tables.grants.values()
    secrets = world.ports.secrets
    right = GatewayPass(application_id=DESK, grant_id=grant.id)
    unknown = GatewayPass(application_id=DESK, grant_id=GrantId("gnt_x"))

    for wrong in (None, "", "x", cookie[:-1], cookie + "A", secrets.seal_cookie(TRIP, right.to_bytes())):
        with refusal(Refusal, "not_signed_in"):
            await ask(world, cookie=wrong)
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=secrets.seal_cookie(PASS, unknown.to_bytes()))
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie, application=BOARD)
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie, host_only=False)
    assert (await ask(world, cookie=secrets.seal_cookie(PASS, right.to_bytes()))).user_id == grant.user_id


@pytest.mark.parametrize("application", ["nobody", "demo-app", "desk"])
async def test_there_is_nothing_where_no_gateway_is(world: World, application: str) -> None:
    """Unknown, declared without one, or no longer with one: all alike, with or without anything to show."""
    cookie = await a_pass(world)
    token = (await ask(world, cookie=cookie)).session_jwt
    foreign = (await world.redeem(await world.code())).access_token
    await no_gateway_any_more(world)

    for shown in ({}, {"cookie": cookie}, {"bearer": token}, {"bearer": foreign}, {"bearer": "x"}):
        with refusal(NotFound, "not_found"):
            await ask(world, application=ApplicationId(application), **shown)  # type: ignore[arg-type]


async def _end_session(world: World) -> None:
    session = next(iter(world.store.tables.sessions.values()))
    await world.store.write(EndSession(session_id=session.id, user_id=session.user_id, at=NOW))


async def _disconnect(world: World) -> None:
    found = await world.connection()
    await revoke(found.connection.id, found.connection.user_id, world.ports, request_id="req-revoke")


async def _switch_off(world: World) -> None:
    (user,) = world.store.tables.users
    await world.store.write(SetUserStatus(user_id=user, status=UserStatus.SUSPENDED, at=NOW))


async def _withdraw(world: World) -> None:
    clients = {name: body | {"authorizations": []} for name, body in CLIENTS.items()}
    await world.declare(clients=clients, applications=DECLARED)


async def _wait_idly(world: World) -> None:
    world.clock.advance(IDLE_LIFETIME)


@pytest.mark.parametrize("end", [_end_session, _disconnect, _switch_off, _withdraw, _wait_idly])
async def test_it_ends_with_what_it_came_of(world: World, end: Callable[[World], Awaitable[None]]) -> None:
    """At the next question, without a line in the ledger."""
    cookie = await a_pass(world, organization="acme")
    await end(world)
    world.forget()

    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)
    assert world.written == []


async def test_a_pass_waits_until_its_user_has_accepted_what_is_in_force(world: World) -> None:
    """From the day on which a new version's time of grace is over."""
    cookie = await a_pass(world)
    asking = replace(world.ports.policy, documents=DOCUMENTS)
    world.ports = replace(world.ports, policy=asking)
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)

    (user,) = world.store.tables.users
    await world.store.write(SetAccepted(user_id=user, accepted=DOCUMENTS.digest))
    assert (await ask(world, cookie=cookie)).user_id == user


async def test_each_question_counts_as_a_visit(world: World) -> None:
    """Written down once a minute at most: it keeps the Session alive, but not beyond its absolute end."""
    cookie = await a_pass(world)
    world.forget()
    for seconds in (59, 1, 1):
        world.clock.advance(seconds)
        await ask(world, cookie=cookie)
    (session,) = world.store.tables.sessions.values()
    assert world.written == [TouchSession(session_id=session.id, at=NOW + 60)]

    while world.clock.now() + 3000 < NOW + ABSOLUTE_LIFETIME:
        world.clock.advance(3000)
        await ask(world, cookie=cookie)
    world.clock.advance(3000)
    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)


async def test_a_wider_scope_does_not_make_it_outlive_the_session(world: World) -> None:
    """Who edits the authorize request on its way to the broker gets a Grant for a month, and a pass like any other."""
    cookie = await a_pass(world, scope="openid offline_access")
    await ask(world, cookie=cookie)
    world.clock.advance(IDLE_LIFETIME)

    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)


async def test_a_broken_seal_lets_nobody_in(world: World) -> None:
    """What is to be told of the User does not open; the Connection and the ledger say so."""
    cookie = await a_pass(world)
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")

    with refusal(Refusal, "not_signed_in"):
        await ask(world, cookie=cookie)
    assert (await world.connection()).connection.status is ConnectionStatus.NEEDS_REAUTH
    assert (world.events()[-1].action, world.events()[-1].reason) == ("vault.open", "seal_broken")


async def test_an_address_is_told_only_where_it_may_be(world: World) -> None:
    """By the policy, and by the scope."""
    cookie = await a_pass(world)
    silent = world.with_policy({"google": {"keep": {"email": "Contact address"}}})

    assert (await ask(world, cookie=cookie, ports=silent)).email is None
    assert (await ask(world, cookie=await a_pass(world, scope="openid"))).email is None
