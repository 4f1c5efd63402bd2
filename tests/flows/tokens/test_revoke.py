"""Token revocation: whose token ends what, and that nobody learns anything from it."""

from __future__ import annotations

import pytest

from broker.domain.errors import Fault, OAuthRefusal
from broker.domain.refresh_token import REPLAY_WITHIN
from broker.domain.session_token import LIFETIME
from broker.flows.issued import proof_of
from broker.flows.possession import ShownToken
from broker.flows.tokens.revoke import revoke_token
from broker.flows.tokens.userinfo import userinfo
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS
from tests.flows.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email offline_access"


async def revoke(world: World, token: str, application: str = "demo-app", *, secret: str | None = "") -> None:
    """As this Application."""
    await revoke_token(world.credentials(application, secret=secret), token, world.ports, request_id="req-revoke")


@pytest.mark.parametrize("application", ["demo-app", "reports"])
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_either_token_ends_both(world: World, application: str, which: str) -> None:
    """And the ledger says who wanted it, in the request's own line."""
    tokens = await world.redeem(await world.code(ADA, application, scope=OFFLINE), application)
    world.forget()
    await revoke(world, getattr(tokens, which), application)

    event = world.event()
    assert (event.action, event.outcome, event.reason) == ("grant.revoke", "done", "revoked_by_application")
    assert (event.request_id, event.application_id) == ("req-revoke", application)
    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text=tokens.access_token), world.ports)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(tokens.refresh_token or "", application)


async def test_a_token_that_was_rotated_away_ends_the_chain(world: World) -> None:
    """Whoever holds it was given it; the Application is done with the sign-in."""
    old = await world.refreshable()
    newest = (await world.refresh(old)).refresh_token or ""
    world.clock.advance(REPLAY_WITHIN)
    await revoke(world, old)

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(newest)


async def test_only_this_sign_in_ends(world: World) -> None:
    """The same User's others go on, at the same Application and at others."""
    one, same, other = await world.refreshable(), await world.refreshable(), await world.refreshable(ADA, "reports")
    await revoke(world, one)

    await world.refresh(same)
    await world.refresh(other, "reports")


async def test_to_revoke_again_changes_nothing(world: World) -> None:
    """It is over, as was wished."""
    token = await world.refreshable()
    await revoke(world, token)
    world.forget()
    await revoke(world, token)

    assert world.written == []


@pytest.mark.parametrize("application", ["crm", "reports"])
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_another_applications_token_is_left_alone(world: World, application: str, which: str) -> None:
    """G10-08: and it is not told that there is such a token."""
    tokens = await world.redeem(await world.code(scope=OFFLINE))
    world.forget()
    await revoke(world, getattr(tokens, which), application)

    assert world.written == []
    await world.refresh(tokens.refresh_token or "")


@pytest.mark.parametrize("bend", ["", "x", "a.b.c", "proof", "generation", "grant", "code", "id_token", "signature"])
async def test_what_is_no_token_of_ours_changes_nothing(world: World, bend: str) -> None:
    """The Grant's id, which is in every session JWT, is not enough; nor is an ID token, which services may see."""
    code = await world.code(scope=OFFLINE)
    tokens = await world.redeem(code)
    grant_id, _, proof = (tokens.refresh_token or "").split(".")
    world.forget()
    bent = {
        "proof": f"{grant_id}.0.{'0' * 64}",
        "generation": f"{grant_id}.1.{proof}",
        "grant": f"gnt_{'a' * 26}.0.{proof}",
        "code": code,
        "id_token": tokens.id_token,
        "signature": tokens.access_token[:-4] + "AAAA",
    }.get(bend, bend)

    await revoke(world, bent)
    assert world.written == []


async def test_a_grant_without_offline_access_has_no_refresh_token(world: World) -> None:
    """Even with a proof that holds."""
    await world.redeem(await world.code(scope="openid"))
    (grant,) = world.store.tables.grants.values()
    world.forget()

    await revoke(world, f"{grant.id}.0.{proof_of(grant, 0, world.ports)}")
    assert world.written == []


async def test_an_expired_session_jwt_ends_nothing(world: World) -> None:
    """It may lie in a log; of a public Application everybody knows the name."""
    tokens = await world.redeem(await world.code(scope=OFFLINE))
    world.clock.advance(LIFETIME)
    world.forget()

    await revoke(world, tokens.access_token)
    assert world.written == []


async def test_the_token_of_an_application_that_was_removed(world: World) -> None:
    """Its Grant is gone already."""
    tokens = await world.redeem(await world.code(scope=OFFLINE))
    await world.declare(applications={k: v for k, v in APPLICATIONS.items() if k != "demo-app"})
    world.forget()

    await revoke(world, tokens.access_token, "crm")
    assert world.written == []


@pytest.mark.parametrize(
    ("application", "secret"),
    [("demo-app", "anything"), ("crm", "wrong"), ("crm", None), ("reports", None), ("nobody", None)],
)
async def test_the_application_proves_itself_first(world: World, application: str, secret: str | None) -> None:
    """G10-01: whatever the token is worth."""
    own = await world.refreshable(ADA, "reports") if application == "reports" else await world.refreshable()
    world.forget()
    for token in (own, "x"):
        with refusal(OAuthRefusal, "invalid_client"):
            await revoke(world, token, application, secret=secret)
    assert world.written == []


async def test_what_was_not_stored_is_not_said_to_be(world: World) -> None:
    """G10-07."""
    token = await world.refreshable()
    world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await revoke(world, token)
    world.store.down = False
    await world.refresh(token)
