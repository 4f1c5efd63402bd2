"""A User revokes a Connection: destroyed here at once, the Provider told afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.connection import ConnectionStatus, UpstreamTokens
from broker.domain.errors import Fault, NotFound
from broker.domain.ids import ConnectionId, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.outbox import RevocationResult
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import Revoked, revoke
from broker.flows.sessions.resume import resume
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GOOGLE, GRACE, NOW, facts
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def end(world: World) -> Revoked:
    """Ada revokes her Connection to Google."""
    found = (await world.connection()).connection
    return await revoke(found.id, found.user_id, world.ports, request_id="req-revoke")


async def test_everything_that_was_kept_is_destroyed(world: World) -> None:
    """Attributes, tokens and scopes, in the next generation, so that no copy of the row can be put back."""
    await world.sign_in(ADA)
    before = (await world.connection()).connection
    revoked = await end(world)

    after = (await world.connection()).connection
    assert after == revoked.connection
    assert after == replace(
        before,
        status=ConnectionStatus.REVOKED,
        sealed_attributes=None,
        sealed_tokens=None,
        granted_scopes=frozenset(),
        generation=before.generation + 1,
        revoked_at=NOW,
    )


async def test_it_is_written_at_once(world: World) -> None:
    """The Connection, what the Provider is to be told, the end of the Sessions, one line of the ledger: all or none."""
    await world.sign_in(ADA)
    world.forget()
    await end(world)

    (written,) = world.store.writes
    assert [type(change) for change in written] == [
        c.ReplaceConnection,
        c.AddPendingRevocation,
        c.EndSessionsOfConnection,
        c.Record,
    ]
    found = (await world.connection()).connection
    assert world.event() == AuditEvent(
        at=NOW,
        action="connection.revoke",
        outcome="done",
        request_id="req-revoke",
        user_id=found.user_id,
        registration=GOOGLE,
        object_id=found.id,
    )


async def test_the_tokens_wait_sealed_for_the_provider(world: World) -> None:
    """Under the User's own key, at the outbox's own place, and due at once."""
    await world.sign_in(ADA)
    world.forget()
    pending = (await end(world)).pending
    assert pending is not None
    assert pending.sealed_token is not None
    key = (await world.connection()).data_key

    plaintext = await world.ports.vault.open(key, pending.place, pending.sealed_token)
    assert UpstreamTokens.from_bytes(plaintext) == world.upstream.issued[0]
    assert (pending.next_try_at, pending.tries, pending.result) == (NOW, 0, RevocationResult.PENDING)
    assert not holds(world.store.received, "token-canary")
    assert world.upstream.revocations == []


async def test_every_session_that_began_through_it_ends(world: World) -> None:
    """In every browser; those of another Connection, and other people's, go on."""
    first, second, grace = await world.sign_in(ADA), await world.sign_in(ADA), await world.sign_in(GRACE)
    await world.connect(ADA_AT_CORP, await world.session_of(first))
    other = await world.sign_in(ADA_AT_CORP)
    await end(world)

    for ended in (first, second):
        assert await resume(ended.session_cookie, world.ports) is None
    for alive in (other, grace):
        assert await resume(alive.session_cookie, world.ports) is not None


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's"])
async def test_what_is_not_the_users_is_not_there(world: World, whose: str) -> None:
    """The two cannot be told apart, and nothing is written."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    connection_id = ConnectionId("con_unknown") if whose == "nobody's" else ada.session.connection_id
    world.forget()

    with refusal(NotFound, "not_found") as caught:
        await revoke(connection_id, grace.user.id, world.ports, request_id="req-revoke")
    assert caught.value.detail == "no such connection of this user"
    assert world.written == []


async def test_revoking_twice_is_revoking_once(world: World) -> None:
    """The second says what the Provider is still to be told, and writes nothing."""
    await world.sign_in(ADA)
    first = await end(world)
    world.forget()

    assert await end(world) == first
    assert world.written == []


async def test_once_the_provider_knows_nothing_is_pending(world: World) -> None:
    """Which the second answer says."""
    await world.sign_in(ADA)
    await end(world)
    await deliver_revocations(world.ports)

    assert (await end(world)).pending is None


async def test_only_what_is_still_to_be_told_is_pending(world: World) -> None:
    """An earlier revocation of the same Connection, which the Provider knows of, is not."""
    await world.sign_in(ADA)
    await end(world)
    await deliver_revocations(world.ports)
    world.clock.advance(60)
    await world.sign_in(ADA)
    again = await end(world)

    assert again.pending is not None
    assert (await end(world)).pending == again.pending
    assert again.pending.created_at == NOW + 60


@pytest.mark.parametrize("why", ["cannot be told", "is not registered any more"])
async def test_a_provider_that_cannot_be_told_is_not_waited_for(world: World, why: str) -> None:
    """Everything is destroyed here all the same."""
    await world.sign_in(ADA)
    if why == "cannot be told":
        world.upstream.facts[GOOGLE] = facts(GOOGLE, can_revoke=False)
    else:
        del world.upstream.facts[GOOGLE]

    assert (await end(world)).pending is None
    assert (await world.connection()).connection.sealed_tokens is None
    assert world.store.tables.pending_revocations == {}


@pytest.mark.parametrize("sealed_tokens", [None, b"\x01\x01damaged"], ids=["none left", "they do not open"])
async def test_tokens_that_nobody_has_cannot_be_revoked(world: World, sealed_tokens: bytes | None) -> None:
    """Everything else is destroyed."""
    await world.sign_in(ADA)
    await world.damage(ADA, status=ConnectionStatus.NEEDS_REAUTH, sealed_tokens=sealed_tokens)

    assert (await end(world)).pending is None
    assert (await world.connection()).connection.status is ConnectionStatus.REVOKED
    told = [event.reason for event in world.events() if event.action == "vault.open"]
    assert told == ([] if sealed_tokens is None else ["seal_broken"])


async def test_what_a_sign_in_wrote_meanwhile_is_destroyed_too(world: World) -> None:
    """And the Session that it made ends with the others."""
    await world.sign_in(ADA)
    cookies: list[str | None] = []

    async def sign_in() -> None:
        cookies.append((await world.sign_in(ADA)).session_cookie)

    world.store.before("write", sign_in)
    revoked = await end(world)

    assert (await world.connection()).connection == revoked.connection
    assert revoked.connection.generation == 3
    assert await resume(cookies[0], world.ports) is None
    assert [event.action for event in world.events()][1:] == ["sign_in.finish", "connection.revoke"]


async def test_two_that_revoke_at_once_revoke_once(world: World) -> None:
    """Both are told the same."""
    await world.sign_in(ADA)
    world.forget()
    rivals: list[Revoked] = []

    async def rival() -> None:
        rivals.append(await end(world))

    world.store.before("write", rival)
    assert await end(world) == rivals[0]
    assert world.event().action == "connection.revoke"


async def test_a_race_that_never_ends_is_given_up(world: World) -> None:
    """With nothing half done."""
    await world.sign_in(ADA)
    world.forget()
    world.store.always_before("write", lambda: world.sign_in(ADA))

    with refusal(Fault, "contention"):
        await end(world)
    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE
    assert {event.action for event in world.events()} == {"sign_in.finish"}


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """Nobody is told that it was done."""
    await world.sign_in(ADA)
    world.store.stop_before("write")

    with refusal(Fault, "storage_unavailable"):
        await end(world)


async def test_a_user_that_does_not_exist_has_nothing_to_revoke(world: World) -> None:
    """Not even with the right id of a Connection."""
    await world.sign_in(ADA)
    found = (await world.connection()).connection

    with refusal(NotFound, "not_found"):
        await revoke(found.id, UserId(""), world.ports, request_id="req-revoke")
