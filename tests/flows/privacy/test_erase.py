"""Erasing a User: nothing that mentions them is left, nothing opens, and their Providers are told."""

from __future__ import annotations

from dataclasses import fields

import pytest

from broker.domain.changes import PutHold
from broker.domain.erasure import ErasedToken
from broker.domain.errors import Conflict, Fault, NotFound, Refusal
from broker.domain.hold import Hold
from broker.domain.ids import UserId
from broker.domain.outbox import RevocationResult
from broker.domain.revocation import Claim
from broker.domain.sealing import SYSTEM_OWNER
from broker.domain.user import UserStatus
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.found import LiveSession
from broker.flows.privacy.erase import erase
from broker.flows.privacy.receipt import receipt_of
from broker.flows.signed_document import is_signed
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, CORP, GOOGLE, GRACE, NOW, facts
from tests.flows.test_orphaned import with_system_key
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio

STAYS = {"tombstones", "ledger", "revocations", "pending_logouts", "last_cursor"}


def mentioned(world: World, user_id: UserId) -> set[str]:
    """The tables in which the User's id stands, but for those where it may."""
    tables = world.store.tables
    return {table.name for table in fields(tables) if holds(getattr(tables, table.name), user_id)} - STAYS


async def nothing() -> None:
    """Nobody is in between."""


async def lose() -> None:
    """Somebody was in between."""
    raise Conflict("RemoveUser")


async def ada(world: World) -> LiveSession:
    """She has used everything."""
    await with_system_key(world)
    await world.declare()
    session = await world.signed_in(ADA)
    await world.signed_in(GRACE)
    world.forget()
    return session


async def test_nothing_that_mentions_the_user_is_left(world: World) -> None:
    """Nor a key that opens anything of them; other people keep all of theirs."""
    session = await ada(world)
    grace = await world.kept(GRACE)
    assert mentioned(world, session.user.id)
    erased = await erase(session.user.id, world.ports, request_id="req-erase")

    assert mentioned(world, session.user.id) == set()
    assert world.store.tables.tombstones == {session.user.id: NOW}
    assert erased.destroyed["connections"] == erased.destroyed["identities"] == 1
    assert await world.kept(GRACE) == grace
    assert [(e.action, e.request_id) for e in world.events()] == [
        ("user.leave", ""),
        ("user.erase", "req-erase"),
    ]
    assert "sessions" in world.events()[1].reason


async def test_whoever_validates_a_token_hears_of_it(world: World) -> None:
    """Of the User, and of each Session."""
    session = await ada(world)
    before = set(world.store.tables.revocations)
    await erase(session.user.id, world.ports)
    told = [n for cursor, n in world.store.tables.revocations.items() if cursor not in before]

    assert {(n.claim, n.value) for n in told} == {(Claim.SUB, session.user.id), (Claim.SID, session.session.id)}


async def test_each_provider_is_told_although_the_users_key_is_gone(world: World) -> None:
    """Also of what was disconnected before; each token is destroyed with the last try, and the receipt says so."""
    session = await ada(world)
    tokens = world.upstream.issued[0]
    await revoke(session.session.connection_id, session.user.id, world.ports, request_id="r1")
    erased = await erase(session.user.id, world.ports)
    assert [token.registration for token in erased.tokens] == [GOOGLE]
    document = (await receipt_of(erased, world.ports))["receipt"]
    assert [token["result"] for token in document["tokens"]] == ["pending"]

    await deliver_revocations(world.ports)
    assert (GOOGLE, tokens) in world.upstream.revocations
    whole = await receipt_of(erased, world.ports)
    assert is_signed("receipt", whole, world.signer)
    assert [token["result"] for token in whole["receipt"]["tokens"]] == ["revoked"]
    (row,) = [p for p in world.store.tables.pending_revocations.values() if p.user_id == SYSTEM_OWNER]
    assert (row.sealed_token, row.connection_id) == (None, None)


async def test_a_provider_that_cannot_be_told_is_named(world: World) -> None:
    """The person sees to it there."""
    await with_system_key(world)
    session = await world.signed_in(ADA_AT_CORP)
    world.upstream.facts[CORP] = facts(CORP, can_revoke=False)
    erased = await erase(session.user.id, world.ports)

    assert erased.tokens == (ErasedToken(registration=CORP, pending_id=None, result=RevocationResult.UNSUPPORTED),)
    document = (await receipt_of(erased, world.ports))["receipt"]
    assert [token["result"] for token in document["tokens"]] == ["unsupported"]


async def test_what_does_not_open_is_destroyed_all_the_same(world: World) -> None:
    """Nobody can end it any more."""
    session = await ada(world)
    await world.damage(ADA, sealed_tokens=b"\x01damaged")
    erased = await erase(session.user.id, world.ports)

    assert erased.tokens == ()
    assert mentioned(world, session.user.id) == set()


async def test_what_does_not_open_keeps_no_other_token_from_its_end(world: World) -> None:
    """The Provider hears of the one that was to be told anyway; of one that it was told of, not again."""
    session = await ada(world)
    first, connection_id = world.upstream.issued[0], session.session.connection_id
    await revoke(connection_id, session.user.id, world.ports, request_id="r1")
    await deliver_revocations(world.ports)
    await world.sign_in(ADA)
    waiting = world.upstream.issued[-1]
    await revoke(connection_id, session.user.id, world.ports, request_id="r2")
    await world.sign_in(ADA)
    await world.damage(ADA, sealed_tokens=b"\x01damaged")
    await erase(session.user.id, world.ports)
    await deliver_revocations(world.ports)

    assert [tokens for _, tokens in world.upstream.revocations] == [first, waiting]


async def test_whoever_is_held_is_not_erased(world: World) -> None:
    """Nothing of them changes."""
    session = await ada(world)
    await world.store.write(PutHold(hold=Hold(user_id=session.user.id, reference="case-7", since=NOW)))
    world.forget()
    with refusal(Refusal, "on_hold"):
        await erase(session.user.id, world.ports)
    assert world.written == []


async def test_nobody_is_not_erased(world: World) -> None:
    """Nor somebody twice."""
    session = await ada(world)
    await erase(session.user.id, world.ports)
    for user_id in (session.user.id, UserId("usr_nobody")):
        with refusal(NotFound, "not_found"):
            await erase(user_id, world.ports)


async def test_a_sign_in_that_comes_in_between_goes_too(world: World) -> None:
    """Whatever it wrote meanwhile."""
    session = await ada(world)
    world.store.before("write", nothing)
    world.store.before("write", lose)
    await erase(session.user.id, world.ports)

    assert mentioned(world, session.user.id) == set()


async def test_whoever_is_always_in_between_is_a_fault(world: World) -> None:
    """Nothing is half erased: the User is leaving, and the next run goes on."""
    session = await ada(world)
    world.store.before("write", nothing)
    for _ in range(8):
        world.store.before("write", lose)
    with refusal(Fault, "contention"):
        await erase(session.user.id, world.ports)

    user = await world.store.user(session.user.id)
    assert user is not None
    assert (user.status, user.erase_at) == (UserStatus.LEAVING, NOW)
    await erase(session.user.id, world.ports)
    assert mentioned(world, session.user.id) == set()


async def test_the_same_account_comes_back_as_somebody_new(world: World) -> None:
    """Nothing is known of them."""
    session = await ada(world)
    await erase(session.user.id, world.ports)
    again = await world.signed_in(ADA)

    assert again.user.id != session.user.id
