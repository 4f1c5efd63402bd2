"""What a User sees of their Connections."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from broker.domain.changes import Record
from broker.domain.connection import ConnectionStatus
from broker.domain.ids import UserId
from broker.domain.outbox import RevocationResult
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.connections.show import ShownConnection, show_connections
from tests.flows.setting import ADA, ADA_AT_CORP, CORP, GOOGLE, GRACE, NOW, POLICY
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def test_each_connection_is_shown_with_what_is_kept(world: World) -> None:
    """The oldest first, each value with its date; somebody else's are not there, and nothing is written."""
    ada = await world.signed_in(ADA)
    await world.signed_in(GRACE)
    world.clock.advance(60)
    await world.connect(ADA_AT_CORP, ada)
    world.forget()
    google, corp = await show_connections(ada.user.id, world.ports)

    assert (google.connection.registration, corp.connection.registration) == (GOOGLE, CORP)
    assert [(a.name, a.value, a.since) for a in google.attributes] == [
        ("email", "ada@acme.example", NOW),
        ("name", "Ada Lovelace", NOW),
    ]
    assert [(a.name, a.value, a.since) for a in corp.attributes] == [("email", "ada@corp.example", NOW + 60)]
    assert (google.status, google.revocations) == (ConnectionStatus.ACTIVE, ())
    assert world.written == []


async def test_no_token_is_shown(world: World) -> None:
    """There is nowhere to put one."""
    ada = await world.signed_in(ADA)
    shown = await show_connections(ada.user.id, world.ports)

    assert not holds(shown, "token-canary")
    assert {field.name for field in fields(ShownConnection)} == {"connection", "status", "attributes", "revocations"}


async def test_nobody_has_no_connections(world: World) -> None:
    """Nor somebody unknown."""
    await world.signed_in(ADA)

    assert await show_connections(UserId("usr_unknown"), world.ports) == ()


@pytest.mark.parametrize(
    ("google", "shown"),
    [
        ({"keep": {"email": "Contact address"}}, ["email"]),
        ({"keep": POLICY["google"]["keep"], "clients": {"acme": {}, "globex": {"keep": ["name"]}}}, ["name"]),
        ({}, []),
    ],
    ids=["removed", "narrowed by both Clients", "nothing allowed"],
)
async def test_what_is_not_allowed_any_more_is_not_shown(
    world: World, google: dict[str, Any], shown: list[str]
) -> None:
    """From the start of the process that knows the tighter policy, before anything has been purged."""
    ada = await world.signed_in(ADA)
    (connection,) = await show_connections(ada.user.id, world.with_policy({"google": google}))

    assert [attribute.name for attribute in connection.attributes] == shown
    assert len(await world.kept()) == 2
    assert connection.status is ConnectionStatus.ACTIVE


async def test_a_revoked_connection_is_shown_empty_with_what_came_of_it(world: World) -> None:
    """Until the Provider was told, and afterwards."""
    ada = await world.signed_in(ADA)
    await revoke(ada.session.connection_id, ada.user.id, world.ports, request_id="req-revoke")
    (shown,) = await show_connections(ada.user.id, world.ports)
    assert (shown.status, shown.attributes) == (ConnectionStatus.REVOKED, ())
    assert [r.result for r in shown.revocations] == [RevocationResult.PENDING]
    await deliver_revocations(world.ports)

    (shown,) = await show_connections(ada.user.id, world.ports)
    assert [r.result for r in shown.revocations] == [RevocationResult.REVOKED]


async def test_what_does_not_open_needs_attention(world: World) -> None:
    """The others are shown as they are; it is marked, and the ledger told, at the first look; what is sealed stays."""
    ada = await world.signed_in(ADA)
    world.clock.advance(60)
    await world.connect(ADA_AT_CORP, ada)
    damaged = await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")
    world.forget()
    google, corp = await show_connections(ada.user.id, world.ports)
    await show_connections(ada.user.id, world.ports)

    assert (google.status, google.attributes) == (ConnectionStatus.NEEDS_REAUTH, ())
    assert (corp.status, len(corp.attributes)) == (ConnectionStatus.ACTIVE, 1)
    (event,) = [change.event for change in world.written if isinstance(change, Record)]
    assert (event.action, event.outcome, event.reason, event.object_id) == (
        *("vault.open", "failed", "seal_broken"),
        damaged.id,
    )
    assert (await world.connection()).connection == replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)


async def test_a_connection_written_meanwhile_is_not_marked(world: World) -> None:
    """A sign-in has just mended it."""
    ada = await world.signed_in(ADA)
    await world.damage(ADA, sealed_attributes=b"\x01\x01damaged")
    world.store.before("write", lambda: world.sign_in(ADA))
    await show_connections(ada.user.id, world.ports)

    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE
    assert len(await world.kept()) == 2
