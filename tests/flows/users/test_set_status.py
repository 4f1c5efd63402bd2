"""An operator switches a User off and on."""

from __future__ import annotations

import pytest

from broker.domain.errors import NotFound, OAuthRefusal, Refusal
from broker.domain.ids import UserId
from broker.domain.user import UserStatus
from broker.flows.sessions.resume import resume
from broker.flows.users.set_status import set_status
from tests.flows.refusals import refusal
from tests.flows.setting import ADA
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def switch(world: World, user_id: UserId, status: UserStatus) -> bool:
    world.forget()
    return await set_status(user_id, status, world.ports.store, world.ports.clock)


async def test_a_suspended_user_is_out_and_what_they_had_does_not_come_back(world: World) -> None:
    """Neither a browser nor an Application; restored, they sign in anew. Each time one line of the ledger."""
    token = await world.refreshable()
    finished = await world.sign_in(ADA)
    ada = await world.session_of(finished)

    assert await switch(world, ada.user.id, UserStatus.SUSPENDED)
    assert (world.event().action, world.event().user_id) == ("user.suspend", ada.user.id)
    with refusal(Refusal, "account_disabled"):
        await world.signed_in(ADA)
    assert await switch(world, ada.user.id, UserStatus.ACTIVE)
    assert world.event().action == "user.restore"

    assert await resume(finished.session_cookie, world.ports) is None
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    assert (await world.signed_in(ADA)).user.id == ada.user.id


async def test_switching_twice_is_switching_once(world: World) -> None:
    """Nothing is written of what is so already."""
    ada = await world.signed_in(ADA)

    assert not await switch(world, ada.user.id, UserStatus.ACTIVE)
    assert world.written == []


async def test_nobody_is_not_switched(world: World) -> None:
    """Whoever mistypes an id learns it."""
    with refusal(NotFound, "not_found"):
        await switch(world, UserId("usr_nobody"), UserStatus.SUSPENDED)
    assert world.written == []
