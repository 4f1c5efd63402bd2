"""A User gets another data key: all that is sealed of them is sealed anew, and nothing gets lost on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import LargeBinary

from broker.domain.changes import Record, ReplaceDataKey
from broker.domain.errors import Fault, NotFound, Refusal, SealBroken
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.keys.rekey import rekey
from broker.flows.sealed import open_attributes, open_tokens
from broker.storage import tables
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GRACE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def user_of(world: World) -> UserId:
    """Ada's id."""
    known = await world.known(ADA)
    assert known is not None
    return known.user.id


async def give_key(world: World, user_id: UserId) -> WrappedKey:
    """`broker vault rekey`."""
    return await rekey(user_id, world.store, world.ports.vault, world.clock)


async def test_everything_opens_under_the_new_key_and_nothing_under_the_old(world: World) -> None:
    """Attributes, tokens, and what a Provider has yet to be told."""
    session = await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, session)
    user_id = session.user.id
    corp = (await world.connection(ADA_AT_CORP)).connection
    await revoke(corp.id, user_id, world.ports, request_id="req")
    kept, tokens, before = await world.kept(), await world.tokens(), await world.connection()
    (pending,) = world.store.tables.pending_revocations.values()
    assert pending.sealed_token is not None
    token = await world.ports.vault.open(before.data_key, pending.place, pending.sealed_token)
    world.forget()

    new = await give_key(world, user_id)

    after = await world.connection()
    assert (after.data_key, new.owner) == (new, user_id)
    assert new.id != before.data_key.id
    assert (await world.kept(), await world.tokens()) == (kept, tokens)
    told = world.store.tables.pending_revocations[pending.id]
    assert told.sealed_token is not None
    assert await world.ports.vault.open(new, told.place, told.sealed_token) == token
    old_envelopes = {before.connection.sealed_attributes, before.connection.sealed_tokens, pending.sealed_token}
    new_envelopes = {after.connection.sealed_attributes, after.connection.sealed_tokens, told.sealed_token}
    assert not old_envelopes & new_envelopes
    for sealed in new_envelopes:
        assert sealed is not None
        with pytest.raises(SealBroken):
            await world.ports.vault.open(before.data_key, told.place, sealed)


def test_no_sealed_column_of_a_user_is_forgotten() -> None:
    """A new one has to be sealed anew here too, and then be named in this test and the one above."""
    sealed = {
        f"{table.name}.{column.name}"
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    of_users = {"connections.sealed_attributes", "connections.sealed_tokens", "pending_revocations.sealed_token"}
    # What the ledger has sealed goes with the key: written anew, it would break the chain, of which two are hashes.
    lost, hashes = {"ledger.sealed"}, {"ledger_links.event_hash", "ledger_links.chain_hash"}
    assert sealed - of_users - lost - hashes == {"data_keys.wrapped", "signing_keys.sealed_private"}


async def test_what_a_provider_was_told_long_ago_stays_destroyed(world: World) -> None:
    """There is no token any more to be sealed anew."""
    user_id = (await world.signed_in(ADA)).user.id
    connection = (await world.connection()).connection
    await revoke(connection.id, user_id, world.ports, request_id="req")
    await deliver_revocations(world.ports)
    before = dict(world.store.tables.pending_revocations)
    await give_key(world, user_id)

    assert world.store.tables.pending_revocations == before


async def test_it_is_one_write_with_a_line_in_the_ledger(world: World) -> None:
    """Either all of it happens or nothing."""
    user_id = (await world.signed_in(ADA)).user.id
    world.forget()
    new = await give_key(world, user_id)

    (changes,) = world.store.writes
    assert isinstance(changes[0], ReplaceDataKey)
    assert isinstance(changes[-1], Record)
    assert world.event() == AuditEvent(
        at=NOW, action="data_key.replace", outcome="done", user_id=user_id, object_id=new.id
    )


async def test_nobody_else_is_touched(world: World) -> None:
    """Every other row stays as it was."""
    user_id = (await world.signed_in(ADA)).user.id
    await world.sign_in(GRACE)
    grace = await world.connection(GRACE)
    await give_key(world, user_id)

    assert await world.connection(GRACE) == grace


async def test_a_connection_that_keeps_nothing_is_passed_on(world: World) -> None:
    """It was revoked, and its Provider was told."""
    user_id = (await world.signed_in(ADA)).user.id
    connection = (await world.connection()).connection
    await revoke(connection.id, user_id, world.ports, request_id="req")
    world.store.tables.pending_revocations.clear()
    await give_key(world, user_id)

    after = (await world.connection()).connection
    assert (after.sealed_attributes, after.sealed_tokens, after.status) == (None, None, "revoked")
    await world.sign_in(ADA)
    assert await world.kept()


async def test_a_user_without_connections_gets_a_key_all_the_same(world: World) -> None:
    """There is nothing to seal anew."""
    user_id = (await world.signed_in(ADA)).user.id
    world.store.tables.connections.clear()
    new = await give_key(world, user_id)

    assert world.store.tables.data_keys[user_id] == new


@pytest.mark.parametrize("user_id", ["", "usr_unknown", "system "])
async def test_nobody_of_this_id_is_told(world: World, user_id: str) -> None:
    """And nothing is made."""
    with refusal(NotFound, "not_found"):
        await give_key(world, UserId(user_id))
    assert world.written == []


async def test_the_systems_key_is_no_users(world: World) -> None:
    """What is sealed under it hangs on its id."""
    before = world.store.tables.data_keys[SYSTEM_OWNER]

    with refusal(NotFound, "not_found"):
        await give_key(world, UserId(SYSTEM_OWNER))
    assert world.store.tables.data_keys[SYSTEM_OWNER] == before


@pytest.mark.parametrize("column", ["sealed_attributes", "sealed_tokens"])
async def test_what_does_not_open_is_not_thrown_away(world: World, column: str) -> None:
    """It would be, with its key: the operator is told where it is, and nothing is changed."""
    user_id = (await world.signed_in(ADA)).user.id
    connection = await world.damage(ADA, **{column: b"\x01\x01damaged"})

    with refusal(Refusal, "not_rekeyed") as refused:
        await give_key(world, user_id)
    assert connection.id in refused.value.detail
    assert world.written == []


async def sign_in_again(world: World) -> object:
    return await world.sign_in(ADA)


async def connect_another(world: World) -> object:
    return await world.connect(ADA_AT_CORP, await world.signed_in(ADA))


async def disconnect(world: World) -> object:
    connection = (await world.connection()).connection
    return await revoke(connection.id, connection.user_id, world.ports, request_id="req")


async def rekey_too(world: World) -> object:
    return await give_key(world, await user_of(world))


async def wrap_anew(world: World) -> object:
    key = world.store.tables.data_keys[await user_of(world)]
    (again,) = await world.ports.vault.rewrap([key])
    assert again is not None
    await world.store.write(ReplaceDataKey(key=again, expected_id=key.id, expected_wrapped=key.wrapped))
    return again


RIVALS = [sign_in_again, connect_another, disconnect, rekey_too, wrap_anew]


@pytest.mark.parametrize("rival", RIVALS)
@pytest.mark.parametrize("step", ["data_key", "connections_of", "write"])
async def test_what_is_sealed_meanwhile_opens_afterwards(
    world: World, rival: Callable[[World], Awaitable[object]], step: str
) -> None:
    """Whoever comes in between, and wherever: each value opens, under the key that the User then has."""
    user_id = (await world.signed_in(ADA)).user.id
    world.store.before(step, lambda: rival(world))
    new = await give_key(world, user_id)

    await assert_all_opens(world, user_id)
    assert world.store.tables.data_keys[user_id] == new


@pytest.mark.parametrize("step", ["data_key", "write"])
async def test_a_key_that_is_replaced_while_an_account_is_connected_loses_nothing(world: World, step: str) -> None:
    """The other way round: the sign-in is what comes late, and decides afresh."""
    session = await world.signed_in(ADA)
    trip = await world.begin(ADA_AT_CORP, signed_in=session, connect=True)
    world.store.before(step, lambda: give_key(world, session.user.id))
    await world.come_back(trip, ADA_AT_CORP, signed_in=session)

    await assert_all_opens(world, session.user.id)
    assert len(await world.connections()) == 2


async def test_a_user_who_is_never_left_alone_is_given_up(world: World) -> None:
    """Nothing is changed, and the operator tries again."""
    user_id = (await world.signed_in(ADA)).user.id
    before = world.store.tables.data_keys[user_id]
    world.store.always_before("write", lambda: wrap_anew(world))
    with refusal(Fault, "contention"):
        await give_key(world, user_id)
    assert world.store.tables.data_keys[user_id].id == before.id
    await assert_all_opens(world, user_id)


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """Nothing is lost."""
    user_id = (await world.signed_in(ADA)).user.id
    world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await give_key(world, user_id)
    world.store.down = False

    await assert_all_opens(world, user_id)


async def assert_all_opens(world: World, user_id: UserId) -> None:
    """Every sealed value of this User."""
    for found in await world.store.connections_of(user_id):
        await open_attributes(found.connection, found.data_key, world.ports.vault)
        await open_tokens(found.connection, found.data_key, world.ports.vault)
        for told in found.revocations:
            if told.sealed_token is not None:
                await world.ports.vault.open(found.data_key, told.place, told.sealed_token)
