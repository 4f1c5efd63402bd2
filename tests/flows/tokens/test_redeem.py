"""A one-time code becomes tokens: for the right Application, once, in time, while what it stands for is alive."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.changes import EndSession, SetUserStatus
from broker.domain.errors import Fault, OAuthRefusal
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.session_token import LIFETIME
from broker.domain.user import UserStatus
from broker.flows.authenticated import Credentials
from broker.flows.connections.revoke import revoke
from broker.flows.tokens.redeem import Redemption
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, CLIENTS, GOOGLE, ISSUER, NOW, STRANGER, VERIFIER
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


def claims_of(token: str, world: World, *, typ: str, audience: str) -> dict[str, Any]:
    """The claims, if the token is what it has to be."""
    claims = world.signer.verify(token, typ=typ, audience=audience, now=world.clock.now())
    assert claims is not None
    return claims


async def test_a_code_becomes_a_session_jwt_and_an_id_token(world: World) -> None:
    """The one for the service, with the rights of every Client; the other for the Application."""
    tokens = await world.redeem(await world.code())
    (grant,) = world.store.tables.grants.values()

    claims = claims_of(tokens.access_token, world, typ="at+jwt", audience="https://api.partner-ops.example")
    assert claims["authorizations"] == {"acme": ["invoices:read", "reports:read"], "globex": ["reports:read"]}
    assert (claims["sub"], claims["sid"], claims["client_id"]) == (grant.user_id, grant.session_id, "demo-app")
    assert claims["jti"].startswith(f"{grant.id}.tok_")
    assert (claims["iss"], claims["iat"], claims["exp"]) == (ISSUER, NOW, NOW + LIFETIME)
    identity = claims_of(tokens.id_token, world, typ="JWT", audience="demo-app")
    assert (identity["sub"], identity["nonce"], identity["auth_time"]) == (grant.user_id, "nonce-canary", NOW)
    assert (tokens.expires_in, tokens.scope) == (LIFETIME, "openid email profile")


async def test_only_what_every_client_releases_is_in_the_tokens(world: World) -> None:
    """Acme and globex both hold the name back; nothing that a Provider gave is in either token."""
    tokens = await world.redeem(await world.code())

    for token, typ, audience in (
        (tokens.access_token, "at+jwt", "https://api.partner-ops.example"),
        (tokens.id_token, "JWT", "demo-app"),
    ):
        claims = claims_of(token, world, typ=typ, audience=audience)
        assert claims["email"] == "ada@acme.example"
        assert not {"name", "picture", "locale", "phone"} & claims.keys()
        assert not holds(claims, "canary-") and not holds(claims, "dropped-canary")


async def test_only_attributes_that_were_asked_for_are_in_the_tokens(world: World) -> None:
    """By the scopes of the request."""
    code = await world.code(STRANGER, scope="openid profile")
    tokens = await world.redeem(code)

    claims = claims_of(tokens.id_token, world, typ="JWT", audience="demo-app")
    assert (claims["name"], "email" in claims) == ("Eve", False)


async def test_a_code_for_one_client_speaks_of_that_client_alone(world: World) -> None:
    """And names it."""
    tokens = await world.redeem(await world.code(organization="globex"))

    claims = claims_of(tokens.access_token, world, typ="at+jwt", audience="https://api.partner-ops.example")
    assert (claims["org_id"], claims["authorizations"]) == ("globex", {"globex": ["reports:read"]})


async def test_redeeming_is_one_line_of_the_ledger(world: World) -> None:
    """Written together with the use of the code; no token and no verifier is handed to the store."""
    code = await world.code(organization="acme")
    world.forget()
    tokens = await world.redeem(code)
    (grant,) = world.store.tables.grants.values()

    assert grant.redeemed_at == NOW
    assert len(world.store.writes) == 1
    assert world.event() == AuditEvent(
        at=NOW,
        action="redeem",
        outcome="done",
        request_id="req-redeem",
        user_id=grant.user_id,
        application_id=ApplicationId("demo-app"),
        registration=GOOGLE,
        client_org=grant.organization,
        object_id=grant.id,
        released=("email",),
        ground="first_party",
    )
    assert grant.released == ("email",)
    for secret in (code, tokens.access_token, tokens.id_token, VERIFIER):
        assert not holds(world.store.received, secret)
        assert secret not in repr(tokens)


async def test_a_token_request_does_not_show_its_secrets(world: World) -> None:
    """In a log, say."""
    shown = repr(
        (
            Credentials(application_id=ApplicationId("crm"), secret="s-canary"),
            Redemption(code="c-canary", redirect_uri="", code_verifier="v-"),
        )
    )

    assert "canary" not in shown
    assert "v-" not in shown


async def test_what_was_withdrawn_meanwhile_is_not_in_the_tokens(world: World) -> None:
    """The rights are those of now, not those of when the code was made."""
    code = await world.code()
    await world.declare(clients=CLIENTS | {"acme": CLIENTS["acme"] | {"authorizations": []}})
    tokens = await world.redeem(code)

    claims = claims_of(tokens.access_token, world, typ="at+jwt", audience="https://api.partner-ops.example")
    assert claims["authorizations"] == {"globex": ["reports:read"]}


@pytest.mark.parametrize(("application", "organization"), [("demo-app", "acme"), ("reports", None)])
async def test_a_code_whose_authorization_was_withdrawn_gets_nothing(
    world: World, application: str, organization: str | None
) -> None:
    """Where one Client was asked for, or any is needed."""
    code = await world.code(ADA, application, organization=organization)
    await world.declare(clients={})
    world.forget()

    with refusal(OAuthRefusal, "invalid_grant") as caught:
        await world.redeem(code, application)
    assert caught.value.detail == "authorization withdrawn"
    assert world.written == []


async def test_a_code_of_a_session_that_ended_gets_nothing(world: World) -> None:
    """The person has signed out meanwhile."""
    code = await world.code()
    (session,) = world.store.tables.sessions.values()
    await world.store.write(EndSession(session_id=session.id, user_id=session.user_id, at=NOW))

    with refusal(OAuthRefusal, "invalid_grant") as caught:
        await world.redeem(code)
    assert caught.value.detail == "session ended"


async def test_a_code_of_a_connection_that_was_revoked_gets_nothing(world: World) -> None:
    """Its Sessions ended with it."""
    code = await world.code()
    found = (await world.connection()).connection
    await revoke(found.id, found.user_id, world.ports, request_id="req-revoke")

    with refusal(OAuthRefusal, "invalid_grant"):
        await world.redeem(code)


async def test_a_code_of_a_user_who_is_switched_off_gets_nothing(world: World) -> None:
    """Until they are on again."""
    code = await world.code()
    (user_id,) = world.store.tables.users
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.SUSPENDED, at=world.clock.now()))
    with refusal(OAuthRefusal, "invalid_grant") as caught:
        await world.redeem(code)
    assert caught.value.detail == "user is switched off"
    await world.store.write(SetUserStatus(user_id=user_id, status=UserStatus.ACTIVE, at=world.clock.now()))

    assert (await world.redeem(code)).expires_in == LIFETIME


async def test_two_people_never_get_each_others_tokens(world: World) -> None:
    """However their requests interleave."""
    ada, stranger = await world.code(ADA), await world.code(STRANGER)
    of_stranger, of_ada = await world.redeem(stranger), await world.redeem(ada)

    for person, tokens in ((ADA, of_ada), (STRANGER, of_stranger)):
        user_id = (await world.signed_in(person)).user.id
        assert claims_of(tokens.id_token, world, typ="JWT", audience="demo-app")["sub"] == user_id


async def test_without_a_key_to_sign_with_the_code_stays_good(world: World) -> None:
    """The Application may try again."""
    code = await world.code()
    keys = world.signer.keys
    world.signer.use(())
    with refusal(Fault, "no_signing_key"):
        await world.redeem(code)
    world.signer.use(keys)

    assert (await world.redeem(code)).expires_in == LIFETIME


async def test_a_store_that_does_not_answer_hands_out_no_tokens(world: World) -> None:
    """Nobody could tell whether the code was used."""
    code = await world.code()
    world.store.stop_before("write")

    with refusal(Fault, "storage_unavailable"):
        await world.redeem(code)
