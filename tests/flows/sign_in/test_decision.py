"""What a proven return changes: whose it is, which Session it makes, and where the browser goes."""

from __future__ import annotations

import pytest

from broker.domain import changes as c
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Refusal
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.flows.connections.revoke import revoke
from broker.flows.sessions.resume import resume
from broker.flows.sign_in.authorize import Answered, authorize
from tests.fakes.upstream import TOKENS_LIVE_FOR
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, CORP, GOOGLE, GRACE, ISSUER, NOW, STRANGER, asked
from tests.flows.texts import answer_of, holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_a_first_sign_in_is_written_at_once(world: World) -> None:
    """The attempt is used up, and everything there is about the person comes to be, together or not at all."""
    await world.sign_in(ADA, await world.request())

    (written,) = world.store.writes
    assert [type(change) for change in written] == [
        c.TakeAttempt,
        c.AddUser,
        c.AddDataKey,
        c.AddIdentity,
        c.BindAuthorization,
        c.BindAuthorization,
        c.AddConnection,
        c.AddSession,
        c.AddGrant,
        c.Record,
    ]


async def test_a_first_sign_in_is_one_line_of_the_ledger(world: World) -> None:
    """Ids and codes, nobody's data."""
    await world.sign_in(ADA, await world.request(organization="acme"))

    found = (await world.connection()).connection
    assert world.event() == AuditEvent(
        at=NOW,
        action="sign_in.finish",
        outcome="done",
        request_id="req-finish",
        user_id=found.user_id,
        application_id=ApplicationId("demo-app"),
        registration=GOOGLE,
        client_org=ACME,
        object_id=found.id,
    )


async def test_a_session_begins_with_the_sign_in(world: World) -> None:
    """It knows through which Connection, and its cookie only as a hash."""
    finished = await world.sign_in(ADA)
    assert finished.session_cookie is not None
    session = (await world.session_of(finished)).session

    assert session.secret == world.ports.secrets.keyed_hash("session", finished.session_cookie)
    assert session.connection_id == (await world.connection()).connection.id
    assert (session.auth_time, session.last_seen_at, session.ended_at) == (NOW, NOW, None)
    assert not holds(world.store.received, finished.session_cookie)


async def test_signing_in_again_is_the_same_user_with_a_session_of_its_own(world: World) -> None:
    """Another browser's Session goes on."""
    first, second = await world.signed_in(ADA), await world.signed_in(ADA)

    assert first.user == second.user
    assert first.session.id != second.session.id
    assert (await world.connection()).connection.generation == 2
    assert len(await world.connections()) == 1
    assert not any(isinstance(change, c.EndSession) for change in world.written)


@pytest.mark.parametrize("person", [ADA, GRACE], ids=["the same person", "somebody else"])
async def test_the_session_that_this_browser_had_before_ends(world: World, person: object) -> None:
    """Whoever's it was: nobody finds it under the new one."""
    before = await world.sign_in(ADA)
    finished = await world.sign_in(ADA if person is ADA else GRACE, signed_in=await world.session_of(before))

    assert await resume(before.session_cookie, world.ports) is None
    assert (await world.session_of(finished)).session.id


async def test_a_returning_identity_keeps_its_refresh_token(world: World) -> None:
    """Google sends one with the first consent only."""
    await world.sign_in(ADA)
    world.clock.advance(60)
    await world.sign_in(ADA)

    tokens = await world.tokens()
    assert tokens is not None
    assert tokens.access_token == world.upstream.issued[1].access_token
    assert tokens.refresh_token == world.upstream.issued[0].refresh_token
    assert tokens.expires_at == TOKENS_LIVE_FOR


async def test_a_new_refresh_token_takes_the_old_ones_place(world: World) -> None:
    """The person allowed it once more, after ending it at the Provider."""
    await world.sign_in(ADA)
    await world.upstream.revoke(GOOGLE, world.upstream.issued[0])
    await world.sign_in(ADA)

    assert await world.tokens() == world.upstream.issued[1]
    assert world.upstream.issued[1].refresh_token is not None


async def test_a_connection_keeps_its_beginning(world: World) -> None:
    """And says when it was last used."""
    await world.sign_in(ADA)
    world.clock.advance(60)
    await world.sign_in(ADA)

    found = (await world.connection()).connection
    assert (found.created_at, found.last_used_at) == (NOW, NOW + 60)
    assert found.granted_scopes == ADA.granted_scopes


async def test_coming_back_after_disconnecting_is_coming_back_to_the_same_user(world: World) -> None:
    """With the same Authorizations, and nothing of what was destroyed."""
    ada = await world.signed_in(ADA)
    before = (await world.connection()).connection
    await revoke(before.id, ada.user.id, world.ports, request_id="req-revoke")
    world.clock.advance(60)
    again = await world.signed_in(ADA)

    after = (await world.connection()).connection
    assert again.user == ada.user
    assert (after.id, after.status, after.created_at, after.revoked_at) == (
        before.id,
        ConnectionStatus.ACTIVE,
        NOW + 60,
        None,
    )
    tokens = await world.tokens()
    assert tokens is not None
    assert tokens.refresh_token is None


@pytest.mark.parametrize("column", ["sealed_attributes", "sealed_tokens"])
async def test_what_does_not_open_is_replaced_by_what_the_provider_says(world: World, column: str) -> None:
    """A damaged row is mended by the next sign-in; only what could be read lives on."""
    await world.sign_in(ADA)
    await world.damage(ADA, **{column: b"\x01\x01damaged"})
    world.clock.advance(60)
    await world.sign_in(ADA)

    assert await world.tokens() == world.upstream.issued[1]
    assert [(a.name, a.since) for a in await world.kept()] == [("email", NOW + 60), ("name", NOW + 60)]


async def test_a_connection_that_needed_attention_works_again(world: World) -> None:
    """Nothing was left of it but the link."""
    await world.sign_in(ADA)
    await world.damage(status=ConnectionStatus.NEEDS_REAUTH, sealed_attributes=None, sealed_tokens=None)
    await world.sign_in(ADA)

    found = (await world.connection()).connection
    assert found.status is ConnectionStatus.ACTIVE
    assert [a.name for a in await world.kept()] == ["email", "name"]


async def test_an_identity_without_a_connection_gets_one(world: World) -> None:
    """Such as a later version may leave behind when it deletes Connections."""
    ada = await world.signed_in(ADA)
    world.store.tables.connections.clear()
    world.store.tables.sessions.clear()
    again = await world.signed_in(ADA)

    assert again.user == ada.user
    assert (await world.connection()).connection.generation == 1


async def test_a_further_account_is_connected_to_whoever_is_signed_in(world: World) -> None:
    """The same User, the same Session, a Connection more; it tells no Application anything."""
    ada = await world.signed_in(ADA)
    world.forget()
    finished = await world.connect(ADA_AT_CORP, ada)

    assert (finished.session_cookie, finished.url) == (None, f"{ISSUER}/account/connections?connected=corp")
    assert [type(change) for change in world.written] == [
        c.TakeAttempt,
        c.AddIdentity,
        c.AddConnection,
        c.Record,
    ]
    assert {found.connection.registration for found in await world.connections()} == {GOOGLE, CORP}
    event = world.event()
    assert (event.action, event.user_id, event.registration) == ("connect.finish", ada.user.id, CORP)
    assert event.object_id == (await world.connection(ADA_AT_CORP)).connection.id


async def test_both_accounts_lead_to_the_same_user(world: World) -> None:
    """From then on, in either order."""
    ada = await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, ada)

    assert (await world.signed_in(ADA_AT_CORP)).user == ada.user
    assert (await world.signed_in(ADA)).user == ada.user


async def test_connecting_the_same_account_again_renews_it(world: World) -> None:
    """As signing in does, in the Session that there is."""
    ada = await world.signed_in(ADA)
    world.forget()
    finished = await world.connect(ADA, ada)

    assert finished.session_cookie is None
    assert (await world.connection()).connection.generation == 2
    assert not any(isinstance(change, c.AddSession | c.EndSession) for change in world.written)


async def test_an_account_of_somebody_else_cannot_be_connected(world: World) -> None:
    """Nor does whoever tries become that person."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    world.forget()

    with refusal(Refusal, "identity_in_use"):
        await world.connect(GRACE, ada)
    assert world.written == []
    assert (await world.connection(GRACE)).connection.user_id == grace.user.id


async def test_a_user_without_a_data_key_gets_one_with_the_next_account(world: World) -> None:
    """Whose key was shredded has nothing left that it could open."""
    ada = await world.signed_in(ADA)
    del world.store.tables.data_keys[ada.user.id]
    world.forget()
    await world.connect(ADA_AT_CORP, ada)

    assert [type(change) for change in world.written][1:3] == [c.AddDataKey, c.AddIdentity]
    assert [a.value for a in await world.kept(ADA_AT_CORP)] == ["ada@corp.example"]


async def test_our_own_application_gets_its_code_at_once(world: World) -> None:
    """With its state and our issuer; the code is kept as a hash."""
    finished = await world.sign_in(ADA, await world.request(organization="acme"))

    answer = answer_of(finished.url)
    assert finished.url.startswith("https://demo-app.example/callback?")
    assert answer == {"code": answer["code"], "state": "state-canary", "iss": ISSUER}
    assert not holds(world.store.received, answer["code"])
    (grant,) = world.store.tables.grants.values()
    assert (grant.organization, grant.auth_time, grant.nonce) == (ACME, NOW, "nonce-canary")
    assert answer["code"] not in repr(finished)


async def test_a_third_party_waits_for_its_permission(world: World) -> None:
    """The browser goes on to where the person is asked, with the request as it was."""
    finished = await world.sign_in(ADA, await world.request("crm"))

    assert finished.url.startswith(f"{ISSUER}/oauth/authorize?")
    assert answer_of(finished.url) == {name: values[0] for name, values in asked("crm").items()}
    assert world.store.tables.grants == {}
    assert world.event().reason == ""


@pytest.mark.parametrize(("application", "organization"), [("reports", None), ("demo-app", "acme")])
async def test_who_has_no_authorization_is_signed_in_without_a_code(
    world: World, application: str, organization: str | None
) -> None:
    """The Application is told so; the one line of the ledger says both."""
    finished = await world.sign_in(STRANGER, await world.request(application, organization=organization))

    assert answer_of(finished.url) == {"error": "access_denied", "state": "state-canary", "iss": ISSUER}
    assert world.store.tables.grants == {}
    assert (world.event().outcome, world.event().reason) == ("done", "access_denied")
    await world.session_of(finished)


async def test_an_invitation_taken_by_this_very_sign_in_counts(world: World) -> None:
    """Else everybody's first sign-in would be denied."""
    finished = await world.sign_in(ADA, await world.request("reports", organization="acme"))

    assert "code" in answer_of(finished.url)


async def test_somebody_else_than_the_application_expects_is_signed_in_without_a_code(world: World) -> None:
    """OpenID Connect Core section 3.1.2.1: the Application, which named Ada, must not take Grace for her."""
    hint = (await world.redeem(await world.code(ADA))).id_token
    request = await world.request(id_token_hint=hint)
    world.forget()
    finished = await world.sign_in(GRACE, request)

    assert answer_of(finished.url) == {"error": "login_required", "state": "state-canary", "iss": ISSUER}
    assert (world.event().outcome, world.event().reason) == ("done", "login_required")
    assert "code" in answer_of((await world.sign_in(ADA, request)).url)


async def test_a_third_party_too_gets_the_person_it_expects(world: World) -> None:
    """What waits for the permission names them still."""
    crm = {"application": "crm", "secret": "crm-secret-canary"}
    ada = await world.signed_in(ADA)
    answered = await authorize(asked("crm"), ada, world.ports, allow=True, request_id="req-1")
    assert isinstance(answered, Answered)
    hint = (await world.redeem(answer_of(answered.url)["code"], **crm)).id_token
    finished = await world.sign_in(GRACE, await world.request("crm", id_token_hint=hint))

    assert answer_of(finished.url)["id_token_hint"] == hint


async def test_an_account_may_be_connected_on_behalf_of_an_application(world: World) -> None:
    """No route does so today; the code is then of the Session that there is, with its own age."""
    ada = await world.signed_in(ADA)
    world.clock.advance(60)
    request = await world.request()
    trip = await world.begin(ADA_AT_CORP, request, signed_in=ada, connect=True)
    finished = await world.come_back(trip, ADA_AT_CORP, signed_in=ada)

    (grant,) = world.store.tables.grants.values()
    assert (grant.session_id, grant.auth_time) == (ada.session.id, NOW)
    assert finished.session_cookie is None
