"""What a proven return changes: whose it is, which Session it makes, what becomes of the Connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain import changes as c
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Fault, Refusal
from broker.domain.ids import ApplicationId
from broker.domain.ledger import AuditEvent
from broker.domain.user import UserStatus
from broker.flows.connections.revoke import revoke
from broker.flows.sessions.resume import resume
from tests.fakes.upstream import TOKENS_LIVE_FOR, Person
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, CORP, GOOGLE, GRACE, ISSUER, NOW
from tests.flows.texts import holds
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
async def test_nobody_is_in_by_the_cookie_that_this_browser_had_before(world: World, person: Person) -> None:
    """Whoever's it was."""
    before = await world.sign_in(ADA)
    finished = await world.sign_in(person, signed_in=await world.session_of(before))

    assert await resume(before.session_cookie, world.ports) is None
    assert await resume(finished.session_cookie, world.ports) is not None


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
    (found,) = [event for event in world.events() if event.action == "vault.open"]
    assert (found.reason, found.object_id) == ("seal_broken", (await world.connection()).connection.id)


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
        c.ReplaceDataKey,  # the same key, wrapped anew
        c.AddIdentity,
        c.AddConnection,
        c.Record,
    ]
    assert {found.connection.registration for found in await world.connections()} == {GOOGLE, CORP}
    event = world.event()
    assert (event.action, event.user_id, event.registration) == ("connect.finish", ada.user.id, CORP)
    assert event.object_id == (await world.connection(ADA_AT_CORP)).connection.id


async def test_a_further_account_is_not_sealed_under_a_damaged_key(world: World) -> None:
    """Nothing is written; the operator finds the key's id in the log."""
    ada = await world.signed_in(ADA)
    keys = world.store.tables.data_keys
    keys[ada.user.id] = replace(keys[ada.user.id], wrapped=bytes(61))
    world.forget()
    with refusal(Fault, "seal_broken") as fault:
        await world.connect(ADA_AT_CORP, ada)

    assert fault.value.detail == f"key {keys[ada.user.id].id}"
    assert world.written == []


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


async def test_whether_somebody_else_is_switched_off_is_not_told(world: World) -> None:
    """Whoever tries to connect their account hears that it is in use, as of any other."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    await world.store.write(c.SetUserStatus(user_id=grace.user.id, status=UserStatus.SUSPENDED, at=world.clock.now()))

    with refusal(Refusal, "identity_in_use"):
        await world.connect(GRACE, ada)


async def test_a_user_without_a_data_key_gets_one_with_the_next_account(world: World) -> None:
    """Whose key was shredded has nothing left that it could open."""
    ada = await world.signed_in(ADA)
    del world.store.tables.data_keys[ada.user.id]
    world.forget()
    await world.connect(ADA_AT_CORP, ada)

    assert [type(change) for change in world.written][1:3] == [c.AddDataKey, c.AddIdentity]
    assert [a.value for a in await world.kept(ADA_AT_CORP)] == ["ada@corp.example"]
