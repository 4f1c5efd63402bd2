"""What is kept of one User, since when, why, and who was told; values only for whoever asks, and on record."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.acceptance import Choice
from broker.domain.changes import PutChoice
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import Fault, NotFound
from broker.domain.ids import UserId
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.connections.revoke import revoke
from broker.flows.privacy.correct import correct
from broker.flows.privacy.explain import ExplainedAttribute, ExplainedConnection, explain
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, CORP, GLOBEX, GOOGLE, GRACE, NOW, POLICY, STRANGER
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio

PLAIN: dict[str, Any] = {
    "since": NOW,
    "until": None,
    "update": "every",
    "consent": None,
    "correctable": False,
    "corrected": False,
}
"""Of an attribute on no terms of its own."""


async def explained(
    world: World, user_id: UserId, document: Any = POLICY, *, with_values: bool = False
) -> tuple[ExplainedConnection, ...]:
    """By a process that knows this policy."""
    ports = world.with_policy(document)
    return await explain(user_id, ports.policy, ports.store, ports.vault, ports.clock, with_values=with_values)


async def test_each_attribute_is_told_with_its_reasons(world: World) -> None:
    """Of every Connection, the oldest first; nothing is written and no value handed out."""
    ada = await world.signed_in(ADA)
    await world.signed_in(GRACE)
    world.clock.advance(60)
    await world.connect(ADA_AT_CORP, ada)
    world.forget()
    google, corp = await explained(world, ada.user.id)

    assert google.attributes == (
        ExplainedAttribute(
            name="email", purpose="Contact address", allowed_by=(ACME, GLOBEX), told=(), value=None, **PLAIN
        ),
        ExplainedAttribute(
            name="name", purpose="Shown to colleagues", allowed_by=(ACME,), told=(), value=None, **PLAIN
        ),
    )
    assert (google.connection.registration, google.clients) == (GOOGLE, (ACME, GLOBEX))
    assert corp.connection.registration == CORP
    assert [(a.name, a.since) for a in corp.attributes or ()] == [("email", NOW + 60)]
    assert world.written == []


async def test_it_names_the_applications_that_were_told(world: World) -> None:
    """By the scopes of each Grant that became tokens, and for the Clients that it speaks of."""
    grace = await world.signed_in(GRACE)
    await world.redeem(await world.code(GRACE, "demo-app", scope="openid email"), "demo-app")
    await world.redeem(await world.code(GRACE, "reports", scope="openid profile"), "reports")
    await world.code(GRACE, "reports", scope="openid email")  # never redeemed
    rules = {"google": {"keep": POLICY["google"]["keep"], "release": POLICY["google"]["release"]}}
    rules["google"]["clients"] = {"globex": {"keep": ["email", "name"], "release": ["email"]}}
    (connection,) = await explained(world, grace.user.id, rules)

    assert {a.name: a.told for a in connection.attributes or ()} == {"email": ("demo-app",)}


async def test_a_grant_for_one_client_tells_what_that_client_releases(world: World) -> None:
    """Not what all of the User's Clients do."""
    ada = await world.signed_in(ADA)
    await world.redeem(await world.code(ADA, organization="globex"), "demo-app")
    keep = POLICY["google"]["keep"]
    rules = {
        "google": {
            "keep": keep,
            "release": POLICY["google"]["release"],
            "clients": {"acme": {"keep": ["name"]}, "globex": {"keep": ["email", "name"], "release": ["name"]}},
        }
    }
    (connection,) = await explained(world, ada.user.id, rules)

    assert {a.name: a.told for a in connection.attributes or ()} == {"email": (), "name": ("demo-app",)}


async def test_nobody_was_told_what_another_connection_keeps(world: World) -> None:
    """Tokens speak of the account that the Session began with."""
    ada = await world.signed_in(ADA)
    world.clock.advance(60)
    await world.connect(ADA_AT_CORP, ada)
    await world.redeem(await world.code(ADA), "demo-app")
    rules = POLICY | {"corp": {"keep": {"email": "x"}, "release": {"email": "y"}}}
    google, corp = await explained(world, ada.user.id, rules)

    assert next(a.told for a in google.attributes or ()) == ("demo-app",)
    assert [a.told for a in corp.attributes or ()] == [()]


async def test_what_is_not_allowed_any_more_has_no_purpose(world: World) -> None:
    """It is there until it is purged."""
    ada = await world.signed_in(ADA)
    (connection,) = await explained(world, ada.user.id, {"google": {"keep": {"email": "To write"}}})

    assert {a.name: a.purpose for a in connection.attributes or ()} == {"email": "To write", "name": None}
    assert {a.name: a.allowed_by for a in connection.attributes or ()} == {"email": (ACME, GLOBEX), "name": ()}


async def test_values_are_told_on_record(world: World) -> None:
    """A line for each Connection that has any, and none of the values in it, nor in a repr."""
    ada = await world.signed_in(ADA)
    world.clock.advance(60)
    await world.connect(ADA_AT_CORP, ada)
    world.forget()
    google, corp = await explained(world, ada.user.id, {"google": POLICY["google"]}, with_values=True)

    assert [a.value for a in (*(google.attributes or ()), *(corp.attributes or ()))] == [
        "ada@acme.example",
        "Ada Lovelace",
        "ada@corp.example",
    ]
    assert [(e.registration, e.object_id) for e in world.events()] == [
        (GOOGLE, google.connection.id),
        (CORP, corp.connection.id),
    ]
    assert world.events()[0] == AuditEvent(
        at=NOW + 60,
        action="attributes.show",
        outcome="done",
        user_id=ada.user.id,
        registration=GOOGLE,
        object_id=google.connection.id,
    )
    assert "Lovelace" not in repr(google)
    assert not holds(world.store.tables.ledger, "Lovelace")


async def test_no_value_is_told_without_a_record(world: World) -> None:
    """Where the ledger cannot be written, nothing is handed out."""
    ada = await world.signed_in(ADA)
    world.store.stop_before("write")
    with refusal(Fault, "storage_unavailable"):
        await explained(world, ada.user.id, with_values=True)


async def test_where_nothing_is_kept_nothing_is_recorded(world: World) -> None:
    """Of a Connection that was revoked, or whose policy lets nothing be kept."""
    ada = await world.signed_in(ADA)
    await revoke(ada.session.connection_id, ada.user.id, world.ports, request_id="")
    world.forget()
    (connection,) = await explained(world, ada.user.id, with_values=True)

    assert (connection.connection.status, connection.attributes) == (ConnectionStatus.REVOKED, ())
    assert world.events() == []


async def test_what_does_not_open_is_said_to(world: World) -> None:
    """Which is another thing than nothing."""
    ada = await world.signed_in(ADA)
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")
    (connection,) = await explained(world, ada.user.id, with_values=True)

    assert connection.attributes is None
    assert [event.action for event in world.events()] == ["vault.open"]


async def test_somebody_who_acts_for_no_client_is_explained_too(world: World) -> None:
    """What the section names may be kept of them."""
    eve = await world.signed_in(STRANGER)
    (connection,) = await explained(world, eve.user.id)

    assert [(a.name, a.allowed_by) for a in connection.attributes or ()] == [("email", ()), ("name", ())]


@pytest.mark.parametrize("user_id", ["usr_unknown", "", SYSTEM_OWNER])
async def test_nobody_is_explained_who_is_not_there(world: World, user_id: str) -> None:
    """Nor the broker itself, which has a data key too."""
    await world.signed_in(ADA)
    with refusal(NotFound, "not_found"):
        await explained(world, UserId(user_id))


async def test_the_tests_know_a_told_application(world: World) -> None:
    """A Grant that was not redeemed told nobody anything."""
    ada = await world.signed_in(ADA)
    await world.code(ADA)
    (connection,) = await explained(world, ada.user.id)
    (through,) = world.store.tables.grants.values()

    assert through.redeemed_at is None
    assert {a.told for a in connection.attributes or ()} == {()}


async def test_the_terms_are_told(world: World) -> None:
    """Until when, how often it is taken, what has to be agreed to, and whose word it is."""
    terms = {"purpose": "To write", "days": 10, "update": "first", "correctable": True, "optional": True}
    ada = await world.signed_in(ADA)
    await world.store.write(PutChoice(choice=Choice(user_id=ada.user.id, subject="google.email", agreed=True, at=NOW)))
    document = {"google": {"keep": {"email": terms}}}
    ports = world.with_policy(document)
    await correct(ada.session.connection_id, "email", "ada@home.example", ada.user.id, ports, request_id="")
    (connection,) = await explained(world, ada.user.id, document)

    email = next(a for a in connection.attributes or () if a.name == "email")
    assert (email.until, email.update, email.consent) == (NOW + 10 * 86400, "first", "google.email")
    assert (email.correctable, email.corrected) == (True, True)
