"""A new version of the documents leaves some time; then whoever is signed in has to accept it before they go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.errors import OAuthRefusal
from broker.domain.request_refused import RequestRefused
from broker.flows.found import LiveSession
from broker.flows.sign_in.authorize import Answered, SignInNeeded, authorize
from tests.flows.gate import IN_FORCE, Gate, open_gate
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, NOW, asked
from tests.flows.texts import answer_of

pytestmark = pytest.mark.anyio


async def ask(gate: Gate, session: LiveSession, **changes: str) -> object:
    """An Application's request, from a browser that is signed in."""
    return await authorize(asked("demo-app", **changes), session, gate.ports, request_id="req")


async def refreshable(gate: Gate) -> tuple[LiveSession, str]:
    """Ada, and what an Application has while she is away."""
    session = await gate.let_in()
    request = {"scope": "openid offline_access"}
    tokens = await gate.world.redeem(await gate.world.code(ADA, **request))
    assert tokens.refresh_token is not None
    gate.world.forget()
    return session, tokens.refresh_token


async def until(gate: Gate, moment: int) -> None:
    """Time passes; and the Session with it, as somebody uses it."""
    gate.world.clock.advance(moment - gate.ports.clock.now())


async def test_until_the_time_is_over_everything_goes_on() -> None:
    """To the second before."""
    gate = await open_gate()
    _, token = await refreshable(gate)
    gate.revise()
    await until(gate, IN_FORCE - 1)

    assert (await gate.world.refresh(token)).refresh_token is not None


@pytest.mark.parametrize("scope", [None, "openid"], ids=["in one statement", "in several"])
async def test_then_a_refresh_is_refused_and_says_why(scope: str | None) -> None:
    """The Grant is not revoked, and the token not used up: accepted, the very same goes on."""
    gate = await open_gate()
    _, token = await refreshable(gate)
    gate.revise()
    await until(gate, IN_FORCE)
    with refusal(OAuthRefusal, "invalid_grant") as refused:
        await gate.world.refresh(token, scope=scope)
    assert "accept a new version" in refused.value.sentence
    assert gate.world.written == []

    await gate.accept(await gate.asked())
    assert (await gate.world.refresh(token, scope=scope)).refresh_token is not None


async def test_it_goes_on_for_whoever_accepts_in_the_browser_in_which_they_were() -> None:
    """What they had there does not end with that, as it would with another sign-in."""
    gate = await open_gate()
    _, token = await refreshable(gate)
    (grant,) = gate.world.store.tables.grants.values()
    browser = gate.world.store.tables.sessions[grant.session_id]
    session = LiveSession(session=browser, user=next(iter(gate.world.store.tables.users.values())))
    gate.revise()
    await until(gate, IN_FORCE)
    asked_again = await gate.asked()
    await gate.accept(asked_again, signed_in=session)

    assert (await gate.world.refresh(token)).refresh_token is not None


async def test_a_token_that_was_used_before_is_not_excused_by_that() -> None:
    """Its Grant ends, whatever its User has accepted."""
    gate = await open_gate()
    _, token = await refreshable(gate)
    await gate.world.refresh(token)
    gate.world.clock.advance(3600)
    gate.revise()
    await until(gate, IN_FORCE)
    with refusal(OAuthRefusal, "invalid_grant") as refused:
        await gate.world.refresh(token)

    assert "accept" not in refused.value.sentence


async def test_then_whoever_is_signed_in_has_to_sign_in_again() -> None:
    """An Application that may not ask is told that somebody has to be asked (OpenID Connect Core section 3.1.2.6)."""
    gate = await open_gate()
    session = await gate.let_in()
    gate.revise()
    assert isinstance(await ask(gate, session), Answered)
    later = replace(gate.ports, clock=type(gate.world.clock)(IN_FORCE))
    needed = await authorize(asked("demo-app"), session, later, request_id="req")

    assert isinstance(needed, SignInNeeded)
    assert needed.documents
    with pytest.raises(RequestRefused) as refused:
        await authorize(asked("demo-app", prompt="none"), session, later, request_id="req")
    assert refused.value.code == "interaction_required"


async def test_whoever_was_never_asked_is_asked_when_the_operator_begins_to() -> None:
    """They were let in before there was anything to accept."""
    gate = await open_gate()
    documents = gate.ports.policy.documents
    gate.revise(replace(documents, asked=False))
    session = await gate.world.signed_in(ADA)
    gate.revise(replace(documents, grace_days=0))

    assert isinstance(await ask(gate, session), SignInNeeded)
    again = await gate.asked()
    assert "code" in answer_of((await gate.accept(again)).url)
    assert gate.ports.clock.now() == NOW
