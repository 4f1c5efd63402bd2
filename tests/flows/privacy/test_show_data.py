"""What a User sees of what is kept: with its terms, without what is about to go; and what they could add."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import ConnectionStatus
from broker.domain.errors import NotFound
from broker.domain.ids import UserId
from broker.flows.connections.revoke import revoke
from broker.flows.found import LiveSession
from broker.flows.kept import EverythingKept
from broker.flows.privacy.show_data import show_data
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, GRACE
from tests.flows.world import World

pytestmark = pytest.mark.anyio

DAY = 86400


async def shown(world: World, ada: LiveSession, document: Any) -> EverythingKept:
    """By a broker that knows this policy; nothing is written where all of it opens."""
    world.forget()
    found = await show_data(ada.user.id, world.with_policy(document))
    assert world.written == []
    return found


def names(found: EverythingKept) -> list[str]:
    """Of the attributes of the only Connection."""
    (connection,) = found.connections
    return [a.kept.name for a in connection.attributes or ()]


async def test_each_attribute_is_shown_with_its_terms(world: World) -> None:
    """And with the rows of every table."""
    ada = await world.signed_in(ADA)
    await world.signed_in(GRACE)
    await world.redeem(await world.code(ADA), "demo-app")
    found = await shown(
        world, ada, {"google": {"keep": {"email": "To write", "name": "x"}, "release": {"email": "To audit"}}}
    )
    (connection,) = found.connections

    assert connection.is_live
    assert [(a.kept.value, a.terms and a.terms.purpose, a.told) for a in connection.attributes or ()] == [
        ("ada@acme.example", "To write", ("demo-app",)),
        ("Ada Lovelace", "x", ()),
    ]
    assert [row["id"] for row in found.records["users"]] == [ada.user.id]
    assert "Lovelace" not in repr(found)


async def test_what_is_about_to_go_is_not_shown(world: World) -> None:
    """What the policy does not name any more, and what is over."""
    ada = await world.signed_in(ADA)
    rules = {"google": {"keep": {"email": {"purpose": "x", "days": 1}}}}

    assert names(await shown(world, ada, rules)) == ["email"]
    world.clock.advance(DAY)
    assert names(await shown(world, ada, rules)) == []


async def test_what_could_be_added_is_named(world: World) -> None:
    """Of a live Connection alone, and only what is theirs to correct."""
    ada = await world.signed_in(ADA)
    locale = {"purpose": "Pages", "correctable": True}
    rules = {"google": {"keep": {"email": "x", "name": "y", "locale": locale, "picture": "z"}}}
    (connection,) = (await shown(world, ada, rules)).connections
    assert [name for name, _ in connection.missing] == ["locale"]

    await revoke(ada.session.connection_id, ada.user.id, world.ports, request_id="")
    (connection,) = (await shown(world, ada, rules)).connections
    assert (connection.is_live, connection.missing, connection.attributes) == (False, (), ())


async def test_what_does_not_open_is_said_to(world: World) -> None:
    """Which is another thing than nothing."""
    ada = await world.signed_in(ADA)
    damaged = await world.damage(sealed_attributes=b"\x01\x01damaged")
    (connection,) = (await show_data(ada.user.id, world.ports)).connections

    assert connection.attributes is None
    assert (await world.connection()).connection == replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)


async def test_nobody_is_shown_who_is_not_there(world: World) -> None:
    """As for an archive."""
    with refusal(NotFound, "not_found"):
        await show_data(UserId("usr_unknown"), world.ports)
