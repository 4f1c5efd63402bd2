"""Who is signed in, by the browser's cookie."""

from __future__ import annotations

import pytest

from broker.domain.changes import EndSession, SetUserStatus, TouchSession
from broker.domain.errors import Fault
from broker.domain.session import ABSOLUTE_LIFETIME, IDLE_LIFETIME, TOUCH_EVERY
from broker.domain.user import UserStatus
from broker.flows.sessions.resume import resume
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE, NOW
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_cookie_leads_to_its_session_and_user(world: World) -> None:
    """And to no other; the store is asked by a hash."""
    ada, grace = await world.sign_in(ADA), await world.sign_in(GRACE)
    world.forget()
    of_ada, of_grace = await resume(ada.session_cookie, world.ports), await resume(grace.session_cookie, world.ports)

    assert of_ada is not None
    assert of_grace is not None
    assert of_ada.user.id == of_ada.session.user_id != of_grace.user.id
    assert not holds(world.store.received, ada.session_cookie or "")


@pytest.mark.parametrize("cookie", [None, ""])
async def test_without_a_cookie_nobody_is_signed_in(world: World, cookie: str | None) -> None:
    """Nor is the store asked."""
    assert await resume(cookie, world.ports) is None
    assert world.store.received == []


async def test_an_unknown_cookie_opens_nothing(world: World) -> None:
    """Nor does the name of the Session, nor the hash that is stored, nor another case."""
    finished = await world.sign_in(ADA)
    session = (await world.session_of(finished)).session
    assert finished.session_cookie is not None

    for cookie in ("x" * 43, session.id, session.secret, finished.session_cookie.swapcase(), "ünicode"):
        assert await resume(cookie, world.ports) is None


async def test_an_idle_session_is_over(world: World) -> None:
    """After an hour without a request."""
    finished = await world.sign_in(ADA)
    world.clock.advance(IDLE_LIFETIME)

    assert await resume(finished.session_cookie, world.ports) is None


async def test_a_busy_session_lives_on_until_it_is_old(world: World) -> None:
    """Twelve hours after the sign-in it is over, however busy."""
    finished = await world.sign_in(ADA)
    for _ in range(ABSOLUTE_LIFETIME // (IDLE_LIFETIME - 1)):
        world.clock.advance(IDLE_LIFETIME - 1)
        assert await resume(finished.session_cookie, world.ports) is not None
    world.clock.advance(NOW + ABSOLUTE_LIFETIME - world.clock.now())

    assert await resume(finished.session_cookie, world.ports) is None


async def test_an_ended_session_is_over(world: World) -> None:
    """And looking at it does not touch it."""
    finished = await world.sign_in(ADA)
    session = (await world.session_of(finished)).session
    await world.store.write(EndSession(session_id=session.id, user_id=session.user_id, at=NOW))
    world.clock.advance(TOUCH_EVERY)
    world.forget()

    assert await resume(finished.session_cookie, world.ports) is None
    assert world.written == []


async def test_a_user_who_is_switched_off_is_not_signed_in(world: World) -> None:
    """Until they are on again."""
    finished = await world.sign_in(ADA)
    user_id = (await world.session_of(finished)).user.id
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    assert await resume(finished.session_cookie, world.ports) is None
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.ACTIVE, at=world.clock.now()))

    assert await resume(finished.session_cookie, world.ports) is not None


@pytest.mark.parametrize(("later", "touched"), [(0, False), (TOUCH_EVERY - 1, False), (TOUCH_EVERY, True)])
async def test_that_it_was_seen_is_written_now_and_then(world: World, later: int, touched: bool) -> None:
    """Most requests cost no write, and none is a line of the ledger."""
    finished = await world.sign_in(ADA)
    world.clock.advance(later)
    world.forget()
    found = await resume(finished.session_cookie, world.ports)

    assert found is not None
    expected = [TouchSession(session_id=found.session.id, at=NOW + later)] if touched else []
    assert world.written == expected
    assert world.events() == []


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """Nobody is signed out by it."""
    finished = await world.sign_in(ADA)
    world.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await resume(finished.session_cookie, world.ports)
