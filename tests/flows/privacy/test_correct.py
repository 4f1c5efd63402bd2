"""A User puts right what is theirs to correct, and no sign-in takes it back; everything else is refused whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import ConnectionStatus, KeptAttribute, UpstreamTokens
from broker.domain.errors import Fault, NotFound, Refusal
from broker.domain.ids import ConnectionId
from broker.domain.ledger import AuditEvent
from broker.flows.connections.revoke import revoke
from broker.flows.found import LiveSession
from broker.flows.privacy.correct import correct
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, GOOGLE, GRACE, NOW
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio

BYRON = "Ada Byron"
POLICY: dict[str, Any] = {
    "google": {
        "keep": {
            "email": {"purpose": "Contact address", "correctable": True},
            "name": {"purpose": "Shown to colleagues", "correctable": True},
            "locale": {"purpose": "Pages in your language", "correctable": True, "update": "first"},
            "picture": {"purpose": "Shown to colleagues", "correctable": True, "optional": True},
        },
        "release": {"email": "Audit trails"},
    }
}
FIXED: dict[str, Any] = {"google": {"keep": {"email": "Contact address", "name": "Shown to colleagues"}}}


@pytest.fixture
async def ada(world: World) -> LiveSession:
    """Ada, signed in where the policy lets her correct."""
    world.ports = world.with_policy(POLICY)
    ada = await world.signed_in(ADA)
    world.forget()
    world.clock.advance(60)
    return ada


async def say(world: World, by: LiveSession, name: str, value: str | None, **changes: Any) -> None:
    """What somebody says about an attribute of their own Connection, or of another one."""
    connection_id = changes.get("connection_id", by.session.connection_id)
    await correct(connection_id, name, value, by.user.id, changes.get("ports", world.ports), request_id="req-1")


async def name_of(world: World) -> KeptAttribute | None:
    """Ada's name, as it is kept."""
    return next((a for a in await world.kept() if a.name == "name"), None)


async def test_a_value_is_put_right(world: World, ada: LiveSession) -> None:
    """With its dates; nothing else of the Connection changes, nor do the tokens."""
    before, tokens = await world.kept(), await world.tokens()
    await say(world, ada, "name", BYRON)

    right = KeptAttribute(name="name", value=BYRON, since=NOW + 60, taken=NOW + 60, corrected=True)
    assert await name_of(world) == right
    assert [a for a in await world.kept() if a.name != "name"] == [a for a in before if a.name != "name"]
    assert await world.tokens() == tokens


async def test_the_ledger_names_the_attribute_and_no_value(world: World, ada: LiveSession) -> None:
    """One line for each thing said."""
    await say(world, ada, "name", BYRON)

    assert world.event() == AuditEvent(
        at=NOW + 60,
        action="attributes.correct",
        outcome="done",
        reason="1:name",
        request_id="req-1",
        user_id=ada.user.id,
        registration=GOOGLE,
        object_id=ada.session.connection_id,
    )
    world.forget()
    await say(world, ada, "name", None)
    assert world.event().action == "attributes.uncorrect"
    assert not holds(world.store.tables.ledger, BYRON)


async def test_no_sign_in_takes_it_back(world: World, ada: LiveSession) -> None:
    """Whatever the Provider says by then."""
    await say(world, ada, "name", BYRON)
    for told in ("Ada King", "Ada Lovelace"):
        await world.sign_in(replace(ADA, profile={**ADA.profile, "name": told}))

    kept = await name_of(world)
    assert kept is not None
    assert (kept.value, kept.corrected) == (BYRON, True)


async def test_the_providers_value_comes_back_with_the_next_sign_in(world: World, ada: LiveSession) -> None:
    """Until then the User's own stays; saying it twice is no harm."""
    await say(world, ada, "name", BYRON)
    await say(world, ada, "name", None)
    await say(world, ada, "name", None)
    kept = await name_of(world)
    assert kept is not None
    assert (kept.value, kept.corrected) == (BYRON, False)

    await world.sign_in(ADA)
    kept = await name_of(world)
    assert kept is not None
    assert (kept.value, kept.corrected) == ("Ada Lovelace", False)


async def test_where_only_the_first_value_is_taken_the_users_own_goes(world: World, ada: LiveSession) -> None:
    """Otherwise no sign-in would ever bring the Provider's again."""
    await say(world, ada, "locale", "fr")
    await say(world, ada, "locale", None)
    assert "locale" not in [a.name for a in await world.kept()]

    await world.sign_in(ADA)
    assert {a.name: a.value for a in await world.kept()}["locale"] == ADA.profile["locale"]


async def test_what_the_provider_did_not_tell_can_be_added(world: World, ada: LiveSession) -> None:
    """It is permitted, and theirs to say."""
    await world.sign_in(replace(ADA, profile={"email": "ada@acme.example"}))
    assert await name_of(world) is None
    await say(world, ada, "name", BYRON)

    kept = await name_of(world)
    assert kept is not None
    assert kept.value == BYRON


async def test_an_unchanged_value_keeps_its_date_and_stays(world: World, ada: LiveSession) -> None:
    """Saying that it is right is a word, too."""
    await say(world, ada, "name", "Ada Lovelace")

    assert await name_of(world) == KeptAttribute(
        name="name", value="Ada Lovelace", since=NOW, taken=NOW + 60, corrected=True
    )


@pytest.mark.parametrize("value", ["", " ", " Ada", "Ada\n", "Ada\x00", "\u202eAda", "A" * 1025, "\ud800", "Ada\u200b"])
async def test_what_cannot_be_kept_is_refused(world: World, ada: LiveSession, value: str) -> None:
    """As it would be from a Provider."""
    with refusal(Refusal, "malformed_value"):
        await say(world, ada, "name", value)
    assert world.written == []


@pytest.mark.parametrize("value", ["ada", "ada@", "@acme.example", "a@b@c", "ada @acme.example", "a" * 255 + "@x"])
async def test_an_address_has_to_be_one(world: World, ada: LiveSession, value: str) -> None:
    """Notices are sent there."""
    with refusal(Refusal, "malformed_value"):
        await say(world, ada, "email", value)
    assert world.written == []


@pytest.mark.parametrize("value", [BYRON, None])
async def test_what_is_not_theirs_to_correct_is_refused(world: World, ada: LiveSession, value: str | None) -> None:
    """What the policy does not say so of, what it does not keep, and what is optional and was not agreed to."""
    for name, ports in (
        ("name", world.with_policy(FIXED)),
        ("picture", world.ports),
        ("phone", world.ports),
        ("", world.ports),
    ):
        with refusal(Refusal, "not_correctable"):
            await say(world, ada, name, value, ports=ports)
    assert world.written == []


async def test_a_client_may_narrow_it_away(world: World, ada: LiveSession) -> None:
    """What none of the User's Clients lets be kept is not corrected either."""
    document = {"google": {**POLICY["google"], "clients": {ACME: {"keep": []}, "globex": {"keep": []}}}}
    with refusal(Refusal, "not_correctable"):
        await say(world, ada, "name", BYRON, ports=world.with_policy(document))


async def test_nobody_corrects_what_is_kept_of_others(world: World, ada: LiveSession) -> None:
    """It is as if it were not there."""
    grace = await world.signed_in(GRACE)
    world.forget()
    for connection_id in (ada.session.connection_id, ConnectionId("con_unknown")):
        with refusal(NotFound, "not_found"):
            await say(world, grace, "name", BYRON, connection_id=connection_id)
    assert world.written == []


async def test_what_was_disconnected_is_not_corrected(world: World, ada: LiveSession) -> None:
    """Nothing is kept of it any more."""
    await revoke(ada.session.connection_id, ada.user.id, world.ports, request_id="")
    world.forget()
    with refusal(NotFound, "not_found"):
        await say(world, ada, "name", BYRON)
    assert world.written == []


async def test_what_does_not_open_is_not_written_over(world: World, ada: LiveSession) -> None:
    """The other attributes would be gone with it; the Connection is marked."""
    damaged = await world.damage(sealed_attributes=b"\x01\x01damaged")
    with refusal(Refusal, "unreadable"):
        await say(world, ada, "name", BYRON)
    assert (await world.connection()).connection == replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)
    assert [event.action for event in world.events()] == ["vault.open"]


async def test_a_sign_in_at_the_same_moment_loses_nothing(world: World, ada: LiveSession) -> None:
    """Its tokens and its other values stay, and so does the word of the User."""
    other = replace(ADA, profile={**ADA.profile, "email": "ada@home.example", "name": "Ada King"})
    world.store.before("write", lambda: world.sign_in(other))
    await say(world, ada, "name", BYRON)

    assert {a.name: a.value for a in await world.kept()} == {
        "email": "ada@home.example",
        "locale": ADA.profile["locale"],
        "name": BYRON,
    }
    assert isinstance(await world.tokens(), UpstreamTokens)


async def test_a_correction_during_a_sign_in_is_not_lost(world: World, ada: LiveSession) -> None:
    """The sign-in reads again what was written meanwhile."""
    world.store.before("write", lambda: say(world, ada, "name", BYRON))
    await world.sign_in(replace(ADA, profile={**ADA.profile, "name": "Ada King"}))

    kept = await name_of(world)
    assert kept is not None
    assert (kept.value, kept.corrected) == (BYRON, True)


async def test_it_does_not_try_for_ever(world: World, ada: LiveSession) -> None:
    """Where somebody signs in again and again, the User is told to try later, and nothing was changed."""
    world.store.always_before("write", lambda: world.sign_in(ADA))
    with refusal(Fault, "contention"):
        await say(world, ada, "name", BYRON)


async def test_no_invitation_is_bound_by_a_corrected_address(world: World, ada: LiveSession) -> None:
    """Only what a Provider has verified binds one."""
    clients = {
        "initech": {
            "name": "Initech",
            "rights": ["x:read"],
            "authorizations": [{"user": "boss@initech.example", "rights": ["x:read"]}],
        }
    }
    await world.declare(clients=clients)
    await say(world, ada, "email", "boss@initech.example")
    await world.sign_in(ADA)

    (invitation,) = world.store.tables.authorizations.values()
    assert invitation.user_id is None
