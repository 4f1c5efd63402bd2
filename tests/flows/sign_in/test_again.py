"""Signing in again because an Application wants it fresh: `auth_time` is true, and the former Session is over."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.session import IDLE_LIFETIME
from broker.flows.sessions.resume import resume
from broker.flows.sign_in.authorize import SignInNeeded, authorize
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, NOW, asked
from tests.flows.texts import answer_of
from tests.flows.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email profile offline_access"
AGE = 600


def auth_times(world: World, tokens: Any) -> set[object]:
    """Of the ID token and of the session JWT."""
    found = (
        world.signer.verify(tokens.id_token, typ="JWT", audience="demo-app", now=None),
        world.signer.verify(tokens.access_token, typ="at+jwt", audience=None, now=None),
    )
    return {None if claims is None else claims["auth_time"] for claims in found}


@pytest.mark.parametrize("wish", [{"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "60"}])
async def test_a_fresh_sign_in_has_its_own_time_and_ends_the_former_session(world: World, wish: dict[str, str]) -> None:
    """G06-14, G12-08: in that browser; what the Application had in another one keeps the time of its own sign-in."""
    elsewhere = await world.refreshable()
    before = await world.sign_in(ADA)
    former = await world.session_of(before)
    world.clock.advance(AGE)
    needed = await authorize(asked("demo-app", **wish), former, world.ports, request_id="req-1")
    assert isinstance(needed, SignInNeeded)

    finished = await world.sign_in(ADA, needed.request, signed_in=former)

    tokens = await world.redeem(answer_of(finished.url)["code"])
    assert auth_times(world, tokens) == {NOW + AGE}
    assert (await world.session_of(finished)).session.auth_time == NOW + AGE
    assert await resume(before.session_cookie, world.ports) is None
    assert auth_times(world, await world.refresh(elsewhere)) == {NOW}


async def test_what_came_of_the_former_session_ends_with_it(world: World) -> None:
    """G12-03: offline access, too, as if the person had signed out there."""
    finished = await world.sign_in(ADA, await world.request(scope=OFFLINE))
    token = (await world.redeem(answer_of(finished.url)["code"])).refresh_token
    former = await world.session_of(finished)
    await world.sign_in(ADA, await world.request(prompt="login"), signed_in=former)

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token or "")


async def test_offline_access_outlives_a_session_that_was_over_before(world: World) -> None:
    """Its tokens say when that sign-in was, however often the person has signed in since."""
    token = await world.refreshable()
    world.clock.advance(IDLE_LIFETIME)
    now = await world.redeem(await world.code())
    later = await world.refresh(token)

    assert (auth_times(world, now), auth_times(world, later)) == ({NOW + IDLE_LIFETIME}, {NOW})
