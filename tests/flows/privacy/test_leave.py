"""A User's wish to have their account erased, and coming back in time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.attempt import Purpose
from broker.domain.erasure import KEEP_PAGE, ErasureRules
from broker.domain.errors import NotFound, Refusal
from broker.domain.ids import UserId
from broker.domain.user import UserStatus
from broker.flows.privacy.leave import leave
from broker.flows.sign_in.begin import begin
from broker.flows.users.set_status import set_status
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GOOGLE, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

WEEK = 7 * 24 * 3600


async def left(world: World) -> UserId:
    """Ada has asked for it."""
    user_id = (await world.signed_in(ADA)).user.id
    world.forget()
    assert await leave(user_id, world.ports, request_id="req-leave") == NOW + WEEK
    return user_id


async def test_everything_stops_at_once_and_is_erased_later(world: World) -> None:
    """Nothing is destroyed yet; asked again, the day stays."""
    user_id = await left(world)
    user = await world.store.user(user_id)
    assert user is not None
    assert (user.status, user.erase_at) == (UserStatus.LEAVING, NOW + WEEK)
    assert await world.store.sessions_of(user_id, 0) == ()
    assert await world.kept()
    assert (world.event().action, world.event().request_id) == ("user.leave", "req-leave")

    world.clock.advance(3600)
    assert await leave(user_id, world.ports) == NOW + WEEK
    assert await world.store.due_erasures(NOW + WEEK - 1, 9) == ()
    assert await world.store.due_erasures(NOW + WEEK, 9) == (user_id,)


async def test_the_time_is_the_policys(world: World) -> None:
    """None at all: it is due now."""
    user_id = (await world.signed_in(ADA)).user.id
    at_once = replace(world.ports, policy=replace(world.ports.policy, erasure=ErasureRules(grace_days=0)))

    assert await leave(user_id, at_once) == NOW


async def test_nobody_leaves_who_is_not_there(world: World) -> None:
    """As for every other verb."""
    with refusal(NotFound, "not_found"):
        await leave(UserId("usr_nobody"), world.ports)


async def test_a_sign_in_does_not_keep_the_account_by_itself(world: World) -> None:
    """It is refused, and says so."""
    user_id = await left(world)
    with refusal(Refusal, "account_leaving"):
        await world.sign_in(ADA)

    assert (await world.store.due_erasures(NOW + WEEK, 9)) == (user_id,)


async def test_whoever_signs_in_to_keep_their_account_has_it_back(world: World) -> None:
    """With everything that was kept."""
    user_id = await left(world)
    kept = await world.kept()
    trip = await begin(GOOGLE, Purpose.SIGN_IN, None, None, world.ports, page=KEEP_PAGE)
    finished = await world.come_back(trip, ADA)

    assert finished.url.endswith(KEEP_PAGE)
    session = await world.session_of(finished)
    assert (session.user.id, session.user.status, session.user.erase_at) == (user_id, UserStatus.ACTIVE, None)
    assert [a.value for a in await world.kept()] == [a.value for a in kept]
    assert await world.store.due_erasures(NOW + WEEK, 9) == ()


async def test_an_operator_can_call_it_off(world: World) -> None:
    """As they restore whom they had suspended."""
    user_id = await left(world)
    assert await set_status(user_id, UserStatus.ACTIVE, world.store, world.clock)

    user = await world.store.user(user_id)
    assert user is not None
    assert (user.status, user.erase_at) == (UserStatus.ACTIVE, None)
