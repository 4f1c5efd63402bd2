"""The refresh grant: new tokens of what is true now, one chain for each Grant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import RefreshGrant, RevokeGrant, SetUserStatus
from broker.domain.errors import OAuthRefusal
from broker.domain.grant import REFRESH_LIFETIME
from broker.domain.ids import GrantId
from broker.domain.refresh_token import IDLE_LIFETIME, REPLAY_WITHIN
from broker.domain.session import ABSOLUTE_LIFETIME
from broker.domain.session import IDLE_LIFETIME as SESSION_IDLE
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from broker.flows.issued import proof_of
from broker.flows.possession import ShownToken
from broker.flows.sessions.end import end_sessions
from broker.flows.tokens.refresh import Refreshment
from broker.flows.tokens.userinfo import userinfo
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, APPLICATIONS, CLIENTS, GOOGLE, NOW
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio

API = "https://api.partner-ops.example"


def claims_of(token: str, world: World, audience: str = API, typ: str = "at+jwt") -> dict[str, object]:
    claims = world.signer.verify(token, typ=typ, audience=audience, now=world.clock.now())
    assert claims is not None
    return claims


async def test_offline_access_gives_a_refresh_token(world: World) -> None:
    """And nothing else does."""
    with_it = await world.redeem(await world.code(scope="openid offline_access"))
    without = await world.redeem(await world.code(scope="openid"))

    assert with_it.refresh_token is not None
    assert without.refresh_token is None
    assert with_it.refresh_token not in repr(with_it)


async def test_an_application_without_the_grant_gets_none(world: World) -> None:
    """The scope is left out, as nothing would come of it."""
    only_codes = {"demo-app": APPLICATIONS["demo-app"] | {"grants": ["authorization_code"]}}
    token = await world.refreshable()
    await world.declare(applications=APPLICATIONS | only_codes)
    tokens = await world.redeem(await world.code(scope="openid offline_access"))

    assert (tokens.refresh_token, tokens.scope) == (None, "openid")
    with refusal(OAuthRefusal, "unauthorized_client"):
        await world.refresh(token)


async def test_a_refresh_gives_new_tokens(world: World) -> None:
    """Of the same User, Session and sign-in; the ID token without the nonce (OpenID Connect Core section 12.2)."""
    token = await world.refreshable()
    world.clock.advance(600)
    world.forget()
    tokens = await world.refresh(token)

    access = claims_of(tokens.access_token, world)
    identity = claims_of(tokens.id_token, world, "demo-app", "JWT")
    assert (access["iat"], access["auth_time"], access["email"]) == (NOW + 600, NOW, "ada@acme.example")
    assert (identity["sub"], identity["sid"], "nonce" in identity) == (access["sub"], access["sid"], False)
    assert tokens.scope == "openid email profile offline_access"
    assert (await userinfo(ShownToken(text=tokens.access_token), world.ports)).claims["sub"] == access["sub"]
    event = world.event()
    assert (event.action, event.outcome, event.reason, event.request_id) == ("refresh", "done", "", "req-refresh")
    assert not holds(world.store.received, token)


async def test_a_public_applications_token_rotates(world: World) -> None:
    """Each use gives the next; the chain goes on."""
    seen = [await world.refreshable()]
    for _ in range(3):
        world.clock.advance(60)
        tokens = await world.refresh(seen[-1])
        assert tokens.refresh_token is not None
        seen.append(tokens.refresh_token)

    assert len(set(seen)) == 4
    (grant,) = world.store.tables.grants.values()
    assert (grant.generation, grant.refreshed_at) == (3, NOW + 180)


async def test_a_confidential_applications_token_stays(world: World) -> None:
    """G07-15: its secret is asked for each time."""
    token = await world.refreshable(application="reports")
    for _ in range(2):
        world.clock.advance(60)
        assert (await world.refresh(token, "reports")).refresh_token == token


async def test_a_lost_answer_is_given_again(world: World) -> None:
    """G07-07: the identical successor, and no new generation; asking again does not prolong the time for it."""
    token = await world.refreshable()
    first = await world.refresh(token)
    for wait in (0, REPLAY_WITHIN - 1, 0):
        world.clock.advance(wait)
        assert (await world.refresh(token)).refresh_token == first.refresh_token

    (grant,) = world.store.tables.grants.values()
    assert (grant.generation, grant.refreshed_at) == (1, NOW)


async def test_a_token_that_was_used_before_ends_everything(world: World) -> None:
    """G07-01: after those seconds it was stolen, from one side or the other."""
    token = await world.refreshable()
    successor = await world.refresh(token)
    world.clock.advance(REPLAY_WITHIN)
    world.forget()

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    assert (world.event().action, world.event().reason) == ("grant.revoke", "refresh_reused")
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(successor.refresh_token or "")
    with refusal(OAuthRefusal, "invalid_token"):
        await userinfo(ShownToken(text=successor.access_token), world.ports)
    assert len(world.events()) == 1


@pytest.mark.parametrize(
    ("application", "secret", "code"),
    [
        ("demo-app", "anything", "invalid_client"),
        ("crm", "wrong", "invalid_client"),
        ("crm", None, "invalid_client"),
        ("nobody", None, "invalid_client"),
        ("crm", "", "invalid_grant"),
        ("reports", "", "invalid_grant"),
        ("robot", "", "unauthorized_client"),
    ],
)
async def test_a_strangers_attempt_ends_nothing(world: World, application: str, secret: str | None, code: str) -> None:
    """G07-08: also with a token that was rotated away long ago."""
    old = await world.refreshable()
    newest = (await world.refresh(old)).refresh_token or ""
    world.clock.advance(REPLAY_WITHIN)
    world.forget()

    for token in (old, newest):
        with refusal(OAuthRefusal, code):
            await world.refresh(token, application, secret=secret)
    assert world.written == []
    await world.refresh(newest)


@pytest.mark.parametrize("bend", ["", "x", "proof", "generation", "grant"])
async def test_a_token_that_is_not_genuine_ends_nothing(world: World, bend: str) -> None:
    """Who knows the Grant's id, which is in every session JWT, can end nothing with it."""
    token = await world.refreshable()
    await world.refresh(token)
    world.clock.advance(REPLAY_WITHIN)
    world.forget()
    grant_id, _, proof = token.split(".")
    bent = {
        "proof": f"{grant_id}.0.{'0' * 64}",
        "generation": f"{grant_id}.1.{proof}",
        "grant": f"gnt_{'a' * 26}.0.{proof}",
    }.get(bend, bend)

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(bent)
    assert world.written == []


@pytest.mark.parametrize(("half", "reads"), [(0, 0), (1, 1)])
async def test_half_a_proof_opens_nothing(world: World, half: int, reads: int) -> None:
    """The first half is looked at before anything is read, the second needs the Grant's code: both have to hold."""
    token = await world.refreshable()
    grant_id, generation, proof = token.split(".")
    halves = [proof[:32], proof[32:]]
    halves[half] = "0" * 32
    world.forget()

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(f"{grant_id}.{generation}.{''.join(halves)}", scope="openid")
    assert [name for name, *_ in world.store.received].count("grant") == reads
    assert world.written == []


async def test_a_grant_without_offline_access_has_none(world: World) -> None:
    """Even with a proof that holds."""
    await world.redeem(await world.code(scope="openid"))
    (grant,) = world.store.tables.grants.values()

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(f"{grant.id}.0.{proof_of(grant, 0, world.ports)}")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("openid", "openid"),
        ("openid email", "openid email"),
        ("offline_access profile email openid", "openid email profile offline_access"),
    ],
)
async def test_fewer_scopes_can_be_asked_for(world: World, asked: str, given: str) -> None:
    """For this answer alone: the next one has all of them again (RFC 6749 section 6)."""
    token = await world.refreshable()
    tokens = await world.refresh(token, scope=asked)

    assert tokens.scope == given
    assert ("email" in claims_of(tokens.access_token, world)) is ("email" in given)
    again = await world.refresh(tokens.refresh_token or "")
    assert again.scope == "openid email profile offline_access"


@pytest.mark.parametrize("asked", ["phone", "openid phone", "OPENID", "openid admin", " "])
async def test_wider_scopes_are_refused(world: World, asked: str) -> None:
    """G07-10: and the token is not used up by it."""
    token = await world.refreshable()
    world.forget()

    with refusal(OAuthRefusal, "invalid_scope"):
        await world.refresh(token, scope=asked)
    assert world.written == []


async def test_rights_are_those_of_now(world: World) -> None:
    """G07-11: what a Client has withdrawn is not in the next token."""
    token = await world.refreshable()
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})

    claims = claims_of((await world.refresh(token)).access_token, world)
    assert claims["authorizations"] == {"globex": ["reports:read"]}


async def test_without_the_client_it_was_narrowed_to_it_gives_nothing(world: World) -> None:
    """G07-11."""
    token = await world.refreshable(organization="acme")
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})
    world.forget()

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    assert world.written == []


async def test_a_user_who_is_switched_off_gets_nothing(world: World) -> None:
    """G07-12: and everything again when they are switched on: nothing was used up."""
    token = await world.refreshable()
    (user_id,) = world.store.tables.users
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)

    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.ACTIVE, at=world.clock.now()))
    assert (await world.refresh(token)).refresh_token != token


async def test_an_application_that_was_removed_gets_nothing(world: World) -> None:
    """G07-12."""
    token = await world.refreshable()
    await world.declare(applications={k: v for k, v in APPLICATIONS.items() if k != "demo-app"})

    with refusal(OAuthRefusal, "invalid_client"):
        await world.refresh(token)


async def test_it_outlives_the_sessions_idle_and_absolute_end(world: World) -> None:
    """That is what offline access is for; what it gives is alive too."""
    token = await world.refreshable()
    world.clock.advance(max(SESSION_IDLE, ABSOLUTE_LIFETIME) + 1)

    tokens = await world.refresh(token)
    assert (await userinfo(ShownToken(text=tokens.access_token), world.ports)).claims["sub"]


async def test_it_does_not_outlive_a_session_that_was_ended(world: World) -> None:
    """G12-04: the User signed out, or ended it from elsewhere."""
    token = await world.refreshable()
    (session,) = world.store.tables.sessions.values()
    elsewhere = await world.signed_in(ADA)
    await end_sessions(session.id, elsewhere, world.ports, request_id="req-end")

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_it_does_not_outlive_the_connection(world: World) -> None:
    """Also when its Session had expired by itself before."""
    token = await world.refreshable()
    world.clock.advance(ABSOLUTE_LIFETIME + 1)
    connection = (await world.connection(ADA)).connection
    await revoke(connection.id, connection.user_id, world.ports, request_id="req-revoke")

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


@pytest.mark.parametrize(("application", "step"), [("demo-app", 86400), ("reports", 86400)])
async def test_it_ends_however_often_it_is_used(world: World, application: str, step: int) -> None:
    """G07-09: thirty days from the sign-in."""
    token = await world.refreshable(application=application)
    while world.clock.now() + step < NOW + REFRESH_LIFETIME:
        world.clock.advance(step)
        token = (await world.refresh(token, application)).refresh_token or ""

    world.clock.advance(step + 1)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token, application)


async def test_it_ends_when_nobody_uses_it(world: World) -> None:
    """G07-09."""
    token = await world.refreshable()
    world.clock.advance(IDLE_LIFETIME)

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


@pytest.mark.parametrize(("scope", "last"), [(None, "use_plainly"), ("openid", "write")])
async def test_a_rotation_that_lost_the_race_gives_the_winners_successor(
    world: World, scope: str | None, last: str
) -> None:
    """G07-02: one chain, whoever asks at once, and whether it takes one statement or two."""
    token = await world.refreshable()
    first: list[str | None] = []

    async def rival() -> None:
        first.append((await world.refresh(token)).refresh_token)

    world.store.before(last, rival)
    second = await world.refresh(token, scope=scope)

    assert [second.refresh_token] == first
    (grant,) = world.store.tables.grants.values()
    assert grant.generation == 1


@pytest.mark.parametrize("application", ["demo-app", "reports"])
async def test_a_revocation_meanwhile_wins(world: World, application: str) -> None:
    """G07-05: after it no token comes any more."""
    token = await world.refreshable(application=application)
    grant_id = GrantId(token.split(".")[0])
    last = "use_plainly" if application == "demo-app" else "write"
    world.store.before(
        last, lambda: world.store.write(RevokeGrant(grant_id=grant_id, reason="revoked_by_application", at=NOW))
    )

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token, application)


async def test_a_revocation_meanwhile_wins_over_a_replay_too(world: World) -> None:
    """G07-06: nothing is resurrected."""
    token = await world.refreshable()
    await world.refresh(token)
    grant_id = GrantId(token.split(".")[0])
    world.store.before("write", lambda: world.store.write(RevokeGrant(grant_id=grant_id, reason="test", at=NOW)))

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)


async def test_a_race_that_is_lost_again_and_again_is_a_reuse(world: World) -> None:
    """Whoever is two rotations behind holds what others have used up: it ends, and so does the waiting."""
    token = await world.refreshable()
    grant_id = GrantId(token.split(".")[0])

    async def rival() -> None:
        generation = world.store.tables.grants[grant_id].generation
        await world.store.write(
            RefreshGrant(grant_id=grant_id, expected_generation=generation, generation=generation + 1, at=NOW)
        )

    world.store.always_before("write", rival)
    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token, scope="openid")


async def test_a_broken_seal_ends_the_grant(world: World) -> None:
    """What does not open is worthless: the person signs in again."""
    token = await world.refreshable()
    (connection,) = world.store.tables.connections.values()
    world.store.tables.connections[connection.id] = replace(connection, sealed_attributes=b"broken")

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token)
    (grant,) = world.store.tables.grants.values()
    assert grant.revoked_at == NOW


def test_a_token_is_not_shown() -> None:
    """In a log, say."""
    assert "canary" not in repr(Refreshment(token="canary", scope=None))


@pytest.mark.parametrize("application", ["demo-app", "reports"])
async def test_a_provider_that_is_gone_lets_nobody_go_on(world: World, application: str) -> None:
    """G07-12: nothing is used up or ended by it, so that it works again when the Provider is back."""
    token = await world.refreshable(application=application)
    google = world.upstream.facts.pop(GOOGLE)
    world.forget()

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.refresh(token, application)
    assert world.written == []
    world.upstream.facts[google.id] = google
    assert (await world.refresh(token, application)).refresh_token
