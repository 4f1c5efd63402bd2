"""A Connection whose values do not open any more, found when a code is redeemed."""

from __future__ import annotations

import pytest

from broker.domain.connection import ConnectionStatus
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import CodeMisused
from broker.flows.connections.revoke import revoke
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GOOGLE
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def broken(world: World, scope: str = "openid email profile") -> str:
    """A code, and the attributes of the Connection behind it damaged."""
    code = await world.code(scope=scope)
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")
    return code


async def test_what_does_not_open_needs_a_new_sign_in(world: World) -> None:
    """The Connection is marked, the code is dead, and a line of the ledger tells why; what is sealed stays as it is."""
    code = await broken(world)

    with refusal(OAuthRefusal, "invalid_grant") as caught:
        await world.redeem(code)
    assert caught.value.sentence == "Please sign in again."
    after = (await world.connection()).connection
    assert (after.status, after.generation) == (ConnectionStatus.NEEDS_REAUTH, 1)
    assert after.sealed_attributes == b"\x01\x01damaged"
    assert await world.tokens() == world.upstream.issued[0]
    event = world.event()
    assert (event.action, event.outcome, event.reason) == ("vault.open", "failed", "seal_broken")
    assert (event.object_id, event.registration, event.request_id) == (after.id, GOOGLE, "")
    with refusal(CodeMisused, "invalid_grant"):
        await world.redeem(code)


async def test_a_new_sign_in_mends_it(world: World) -> None:
    """The User is the same."""
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(await broken(world))
    tokens = await world.redeem(await world.code())

    claims = world.signer.verify(tokens.id_token, typ="JWT", audience="demo-app", now=None)
    assert claims is not None
    assert claims["email"] == "ada@acme.example"


async def test_what_nobody_asked_for_is_not_opened(world: World) -> None:
    """A damaged row does not stand in the way of whoever needs nothing of it."""
    assert (await world.redeem(await broken(world, scope="openid"))).scope == "openid"


@pytest.mark.parametrize("rival", ["signs in", "disconnects"])
async def test_a_connection_written_meanwhile_is_left_as_it_is(world: World, rival: str) -> None:
    """A sign-in has mended it, or the User has revoked it: the code is dead all the same."""
    code = await broken(world)
    found = (await world.connection()).connection

    async def act() -> None:
        if rival == "signs in":
            await world.sign_in(ADA)
        else:
            await revoke(found.id, found.user_id, world.ports, request_id="req-revoke")

    world.store.before("write", act)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(code)
    after = (await world.connection()).connection
    assert after.status is (ConnectionStatus.ACTIVE if rival == "signs in" else ConnectionStatus.REVOKED)
    assert after.generation == 2
    assert [event.action for event in world.events()][-1] == "vault.open"
    (grant,) = world.store.tables.grants.values()
    assert grant.revoked_at is not None
