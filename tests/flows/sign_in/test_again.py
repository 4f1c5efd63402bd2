"""Signing in again as an Application wants it fresh: `auth_time` is true, and nobody is in by the former cookie."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.session import IDLE_LIFETIME
from broker.flows.found import LiveSession
from broker.flows.sessions.resume import resume
from broker.flows.sessions.sign_out import sign_out
from broker.flows.sign_in.authorize import SignInNeeded, authorize
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GRACE, NOW, asked
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
async def test_a_fresh_sign_in_has_its_own_time_and_its_own_cookie(world: World, wish: dict[str, str]) -> None:
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


async def again(world: World, person: Person = ADA) -> tuple[str, LiveSession, LiveSession]:
    """What an Application may do while Ada is away; her Session; and who is signed in there after another sign-in."""
    finished = await world.sign_in(ADA, await world.request(scope=OFFLINE))
    token = (await world.redeem(answer_of(finished.url)["code"])).refresh_token
    former = await world.session_of(finished)
    world.clock.advance(AGE)
    renewed = await world.sign_in(person, await world.request(prompt="login"), signed_in=former)
    return token or "", former, await world.session_of(renewed)


async def test_offline_access_goes_on_when_the_same_person_signs_in_again(world: World) -> None:
    """It is theirs, and they are here: it is the same Session, for as long as a new one lives."""
    token, former, session = await again(world)
    later = await world.refresh(token)

    assert session.session.id == former.session.id
    assert session.session == replace(
        former.session, secret=session.session.secret, auth_time=NOW + AGE, last_seen_at=NOW + AGE
    )
    assert session.session.secret != former.session.secret
    assert auth_times(world, later) == {NOW}
    assert session.session.is_live(NOW + AGE + IDLE_LIFETIME - 1)


async def test_it_ends_with_the_session_that_was_renewed(world: World) -> None:
    """Who signs out there means all that began there."""
    token, _, session = await again(world)
    await sign_out({}, session, world.ports, confirmed=True, request_id="req-1")

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_what_came_of_somebody_elses_session_ends_with_it(world: World) -> None:
    """G12-03: offline access, too, as if the person had signed out there."""
    token, former, session = await again(world, GRACE)

    assert session.session.id != former.session.id
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_coming_by_another_account_is_another_session(world: World) -> None:
    """A Session is of one Connection, with which it ends, and of whose profile its tokens speak."""
    finished = await world.sign_in(ADA, await world.request(scope=OFFLINE))
    token = (await world.redeem(answer_of(finished.url)["code"])).refresh_token
    former = await world.session_of(finished)
    await world.connect(ADA_AT_CORP, former)
    session = await world.session_of(await world.sign_in(ADA_AT_CORP, signed_in=former))

    assert (session.user, session.session.id == former.session.id) == (former.user, False)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token or "")


@pytest.mark.parametrize("rival", ["signs in", "signs out"])
async def test_a_session_that_another_tab_has_changed_meanwhile_is_left(world: World, rival: str) -> None:
    """This tab gets one of its own."""
    former = await world.signed_in(ADA)

    async def other_tab() -> None:
        if rival == "signs in":
            await world.sign_in(ADA, signed_in=former)
        else:
            await sign_out({}, former, world.ports, confirmed=True, request_id="req-1")

    world.store.before("write", other_tab)
    session = await world.session_of(await world.sign_in(ADA, signed_in=former))

    assert session.session.id != former.session.id
    assert len(world.store.tables.sessions) == 2


async def test_offline_access_outlives_a_session_that_was_over_before(world: World) -> None:
    """Its tokens say when that sign-in was, however often the person has signed in since."""
    token = await world.refreshable()
    world.clock.advance(IDLE_LIFETIME)
    now = await world.redeem(await world.code())
    later = await world.refresh(token)

    assert (auth_times(world, now), auth_times(world, later)) == ({NOW + IDLE_LIFETIME}, {NOW})
