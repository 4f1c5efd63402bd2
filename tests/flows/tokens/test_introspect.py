"""Introspection: what is said of a token, to whom, and that everybody else hears one and the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.changes import RevokeGrant, SetUserStatus
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import GrantId
from broker.domain.refresh_token import IDLE_LIFETIME
from broker.domain.session_token import ACR, LIFETIME
from broker.domain.user import UserStatus
from broker.flows.issued import Tokens, proof_of
from broker.flows.tokens.introspect import introspect
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, CLIENTS, ISSUER, NOW
from tests.flows.world import World

pytestmark = pytest.mark.anyio

OFFLINE = "openid email offline_access"
NOT_ACTIVE = {"active": False}
READER = {
    "name": "The service",
    "type": "confidential",
    "secret": "reader-secret-canary",
    "grants": ["client_credentials"],
    "audience": "https://api.partner-ops.example",
}
"""It has the audience of demo-app, and no tokens of its own."""


async def ask(
    world: World, token: str | None, application: str = "reports", *, secret: str | None = ""
) -> Mapping[str, Any]:
    """As this Application."""
    known = "reader-secret-canary" if application == "reader" else secret
    return await introspect(world.credentials(application, secret=known), token or "", world.ports)


async def tokens_of(world: World, application: str = "reports", **changes: str | None) -> Tokens:
    """What Ada's sign-in gave."""
    return await world.redeem(await world.code(ADA, application, scope=OFFLINE, **changes), application)


async def test_a_session_jwt_is_told_to_its_application(world: World) -> None:
    """RFC 7662 section 2.2, and our own claims; no attribute of the User, and nothing is written."""
    tokens = await tokens_of(world)
    world.forget()
    told = dict(await ask(world, tokens.access_token))

    (grant,) = world.store.tables.grants.values()
    assert told.pop("jti").startswith(f"{grant.id}.")
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "iss": ISSUER,
        "sub": grant.user_id,
        "aud": "https://reports.example",
        "client_id": "reports",
        "scope": OFFLINE,
        "iat": NOW,
        "exp": NOW + LIFETIME,
        "auth_time": NOW,
        "acr": ACR,
        "amr": ["fed"],
        "sid": grant.session_id,
        "authorizations": {"acme": ("invoices:read", "reports:read"), "globex": ("reports:read",)},
    } | {name: told[name] for name in ("epoch",) if name in told}
    assert world.written == []


async def test_a_refresh_token_is_told_to_its_application(world: World) -> None:
    """It names no audience: it is for the token endpoint alone."""
    tokens = await tokens_of(world)
    told = await ask(world, tokens.refresh_token)

    (grant,) = world.store.tables.grants.values()
    assert told == {
        "active": True,
        "iss": ISSUER,
        "sub": grant.user_id,
        "client_id": "reports",
        "scope": OFFLINE,
        "iat": NOW,
        "exp": NOW + IDLE_LIFETIME,
        "auth_time": NOW,
        "sid": grant.session_id,
    }


async def test_the_client_it_was_narrowed_to_is_told(world: World) -> None:
    """Of either kind."""
    tokens = await tokens_of(world, organization="acme")

    for token in (tokens.access_token, tokens.refresh_token):
        assert (await ask(world, token))["org_id"] == "acme"
    assert list((await ask(world, tokens.access_token))["authorizations"]) == ["acme"]


async def test_the_service_it_is_for_may_ask(world: World) -> None:
    """One whose `audience` is the token's `aud`; of a refresh token it learns nothing."""
    await world.declare(applications=APPLICATIONS | {"reader": READER})
    tokens = await tokens_of(world, "demo-app")

    assert (await ask(world, tokens.access_token, "reader"))["client_id"] == "demo-app"
    assert await ask(world, tokens.refresh_token, "reader") == NOT_ACTIVE


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_nobody_else_learns_that_there_is_such_a_token(world: World, which: str) -> None:
    """G10-05: this and no more."""
    tokens = await tokens_of(world)

    assert await ask(world, getattr(tokens, which), "crm") == NOT_ACTIVE


@pytest.mark.parametrize("bend", ["", "x", "a.b.c", "proof", "generation", "grant", "code", "id_token", "signature"])
async def test_what_is_no_token_of_ours_is_not_active(world: World, bend: str) -> None:
    """An ID token is none either."""
    code = await world.code(ADA, "reports", scope=OFFLINE)
    tokens = await world.redeem(code, "reports")
    grant_id, _, proof = (tokens.refresh_token or "").split(".")
    bent = {
        "proof": f"{grant_id}.0.{'0' * 64}",
        "generation": f"{grant_id}.1.{proof}",
        "grant": f"gnt_{'a' * 26}.0.{proof}",
        "code": code,
        "id_token": tokens.id_token,
        "signature": tokens.access_token[:-4] + "AAAA",
    }.get(bend, bend)

    assert await ask(world, bent) == NOT_ACTIVE


@pytest.mark.parametrize(
    ("application", "secret"), [("demo-app", None), ("demo-app", "x"), ("reports", "x"), ("x", "")]
)
async def test_only_who_can_prove_it_may_ask(world: World, application: str, secret: str | None) -> None:
    """RFC 7662 section 2.1: a public Application is nobody in particular. Its own token is no exception."""
    tokens = await tokens_of(world, "demo-app")

    with refusal(OAuthRefusal, "invalid_client"):
        await ask(world, tokens.access_token, application, secret=secret)


async def end(world: World, how: str, grant_id: GrantId) -> None:
    """Each way in which what a token stands for is over."""
    (user_id,) = world.store.tables.users
    if how == "revoked":
        await world.store.write(RevokeGrant(grant_id=grant_id, reason="test", at=NOW))
    elif how == "suspended":
        await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=NOW))
    elif how == "withdrawn":
        await world.declare(clients={name: body | {"authorizations": []} for name, body in CLIENTS.items()})
    elif how == "unregistered":
        await world.declare(applications={k: v for k, v in APPLICATIONS.items() if k != "reports"})
        await world.declare()


@pytest.mark.parametrize("how", ["revoked", "suspended", "withdrawn", "unregistered"])
async def test_what_is_over_is_not_active(world: World, how: str) -> None:
    """At once; both kinds."""
    tokens = await tokens_of(world)
    (grant,) = world.store.tables.grants.values()
    await end(world, how, grant.id)

    assert await ask(world, tokens.access_token) == NOT_ACTIVE
    assert await ask(world, tokens.refresh_token) == NOT_ACTIVE


async def test_what_has_expired_is_not_active(world: World) -> None:
    """Each kind at its own time."""
    tokens = await tokens_of(world)
    world.clock.advance(LIFETIME)
    assert await ask(world, tokens.access_token) == NOT_ACTIVE
    assert (await ask(world, tokens.refresh_token))["active"]

    world.clock.advance(IDLE_LIFETIME)
    assert await ask(world, tokens.refresh_token) == NOT_ACTIVE


async def test_the_absolute_end_is_told(world: World) -> None:
    """However often it is used."""
    tokens = await tokens_of(world)
    for _ in range(3):
        world.clock.advance(IDLE_LIFETIME - 1)
        if world.clock.now() < NOW + REFRESH_LIFETIME:
            await world.refresh(tokens.refresh_token or "", "reports")
            assert (await ask(world, tokens.refresh_token))["exp"] <= NOW + REFRESH_LIFETIME


async def test_a_token_that_was_rotated_away_is_not_active(world: World) -> None:
    """Asking with it ends nothing: that is for whoever uses it."""
    tokens = await tokens_of(world)
    (grant,) = world.store.tables.grants.values()
    world.store.tables.grants[grant.id] = replace(grant, generation=1, refreshed_at=NOW)
    world.forget()

    assert await ask(world, tokens.refresh_token) == NOT_ACTIVE
    assert world.written == []


async def test_an_application_without_the_grant_has_no_active_refresh_token(world: World) -> None:
    """The token endpoint would not take it."""
    tokens = await tokens_of(world)
    without = APPLICATIONS["reports"] | {"grants": ["authorization_code"]}
    await world.declare(applications=APPLICATIONS | {"reports": without})

    assert await ask(world, tokens.refresh_token) == NOT_ACTIVE
    assert (await ask(world, tokens.access_token))["active"]


async def test_a_refresh_token_without_offline_access_is_none(world: World) -> None:
    """Even with a proof that holds."""
    await world.redeem(await world.code(ADA, "reports", scope="openid"), "reports")
    (grant,) = world.store.tables.grants.values()

    assert await ask(world, f"{grant.id}.0.{proof_of(grant, 0, world.ports)}") == NOT_ACTIVE


async def test_rights_are_those_of_now(world: World) -> None:
    """Not those that the token was made with: whoever asks wants to know what holds."""
    tokens = await tokens_of(world)
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})

    assert (await ask(world, tokens.access_token))["authorizations"] == {"globex": ("reports:read",)}
