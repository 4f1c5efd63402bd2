"""Tokens that a Provider gave and nobody will keep are ended at once, unless that would end what somebody keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import SetUserStatus
from broker.domain.errors import Fault, Refusal
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GRACE
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_tokens_of_a_refused_stranger_are_ended(world: World) -> None:
    """The account is another one than the address was first used with."""
    await world.sign_in(ADA)

    with refusal(Refusal, "subject_changed"):
        await world.sign_in(replace(ADA, subject="107691504500061815009"))
    refused = world.upstream.issued[1]
    assert world.upstream.revocations == [(ADA.registration, refused)]
    assert not world.upstream.lives(refused)


async def test_tokens_of_an_account_that_lives_here_are_left_alone(world: World) -> None:
    """It is somebody else's: ending one token could end their Connection."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    await world.connect(ADA_AT_CORP, grace)

    with refusal(Refusal, "identity_in_use"):
        await world.connect(ADA_AT_CORP, ada)
    assert world.upstream.revocations == []
    kept = await world.tokens(ADA_AT_CORP)
    assert kept is not None
    assert world.upstream.lives(kept)


async def test_tokens_of_an_account_that_ended_here_are_ended(world: World) -> None:
    """Its former owner has disconnected it: nothing is left that could be hurt."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    await world.connect(ADA_AT_CORP, grace)
    found = await world.connection(ADA_AT_CORP)
    await revoke(found.connection.id, grace.user.id, world.ports, request_id="req-revoke")

    with refusal(Refusal, "identity_in_use"):
        await world.connect(ADA_AT_CORP, ada)
    assert world.upstream.revocations == [(ADA_AT_CORP.registration, world.upstream.issued[-1])]


async def test_tokens_of_a_user_who_is_switched_off_are_left_alone(world: World) -> None:
    """Their Connection is to work again when they are."""
    ada = await world.signed_in(ADA)
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=world.clock.now()))

    with refusal(Refusal, "account_disabled"):
        await world.sign_in(ADA)
    assert world.upstream.revocations == []


async def test_tokens_of_an_account_without_a_connection_are_ended(world: World) -> None:
    """Its User is switched off, and nothing is left that could be hurt."""
    ada = await world.signed_in(ADA)
    await world.store.write(SetUserStatus(user_id=ada.user.id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    world.store.tables.connections.clear()

    with refusal(Refusal, "account_disabled"):
        await world.sign_in(ADA)
    assert world.upstream.revocations == [(ADA.registration, world.upstream.issued[1])]


async def test_tokens_are_ended_when_nothing_can_be_decided(world: World) -> None:
    """The store went away after the exchange, before anything was written: for certain nobody has them."""
    ada = await world.signed_in(ADA)
    world.store.stop_before("data_key")

    with refusal(Fault, "storage_unavailable"):
        await world.connect(ADA_AT_CORP, ada)
    assert world.upstream.revocations == [(ADA_AT_CORP.registration, world.upstream.issued[1])]


async def test_tokens_of_a_connection_that_lives_survive_a_key_that_does_not_open(world: World) -> None:
    """What was kept before is kept still."""
    await world.sign_in(ADA)
    keys = world.store.tables.data_keys
    (user_id,) = world.store.tables.users
    keys[user_id] = replace(keys[user_id], wrapped=b"broken")

    with refusal(Fault, "seal_broken"):
        await world.sign_in(ADA)
    assert world.upstream.revocations == []


@pytest.mark.parametrize("method", ["arrival", "write"])
async def test_tokens_are_left_alone_when_they_may_be_kept(world: World, method: str) -> None:
    """Whether the account is known, or whether the write was done, nobody can tell."""
    world.store.stop_before(method)

    with refusal(Fault, "storage_unavailable"):
        await world.sign_in(ADA)
    assert world.upstream.revocations == []


async def test_a_provider_that_cannot_be_told_changes_nothing_about_the_refusal(world: World) -> None:
    """The person hears why they were refused, not that something else went wrong too."""
    await world.sign_in(ADA)
    trip = await world.begin(ADA)
    callback = world.upstream.allow(trip.url, replace(ADA, subject="107691504500061815009"))

    async def go_away() -> None:
        world.upstream.down = True

    world.store.before("arrival", go_away)
    with refusal(Refusal, "subject_changed"):
        await world.come_back(trip, callback)
    assert len(world.upstream.revocations) == 1
