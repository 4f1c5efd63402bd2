"""Whom a User's attributes were told to: which, when, on what ground, under which policy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.changes import Record
from broker.domain.ids import ApplicationId
from broker.domain.policy_hash import content_hash
from broker.flows.ledger.note_policy import note_policy
from broker.flows.possession import ShownToken
from broker.flows.privacy import disclosures as module
from broker.flows.privacy.disclosures import disclosures
from broker.flows.tokens.userinfo import userinfo
from tests.flows.setting import ADA, GRACE, NOW, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio

WIDER = {
    "google": {
        "keep": {"email": "Contact address", "name": "Shown to colleagues"},
        "release": {"email": "Audit trails", "name": "Greeting"},
    }
}


async def test_what_tokens_tell_is_listed(world: World) -> None:
    """Nothing of other people; of tokens that tell nothing there is nothing."""
    await note_policy(world.ports.policy, world.store, world.clock)
    await world.redeem(await world.code(ADA))
    await world.redeem(await world.code(GRACE, scope="openid"))
    ada, grace = world.store.tables.users
    (grant, _) = world.store.tables.grants.values()
    (told,) = await disclosures(ada, world.store)

    assert (told.at, told.application_id, told.registration) == (NOW, "demo-app", "google")
    assert (told.attributes, told.ground, told.grant_id) == (("email",), "first_party", grant.id)
    assert told.policy == content_hash(world.ports.policy)
    assert await disclosures(grace, world.store) == ()


async def test_without_a_noted_policy_none_is_named(world: World) -> None:
    """Of what was told before policies were noted."""
    await world.redeem(await world.code(STRANGER))
    (told,) = await disclosures(next(iter(world.store.tables.users)), world.store)

    assert (told.policy, told.attributes) == ("", ("email", "name"))
    await note_policy(world.ports.policy, world.store, world.clock)
    assert [one.policy for one in await disclosures(next(iter(world.store.tables.users)), world.store)] == [""]


async def test_a_policy_that_widens_is_a_disclosure_more(world: World) -> None:
    """Each is under the policy of its time."""
    await note_policy(world.ports.policy, world.store, world.clock)
    tokens = await world.redeem(await world.code(ADA))
    ports = world.with_policy(WIDER)
    await note_policy(ports.policy, world.store, world.clock)
    await userinfo(ShownToken(text=tokens.access_token), ports, request_id="req")
    first, second = await disclosures(next(iter(world.store.tables.users)), world.store)

    assert (first.attributes, second.attributes) == (("email",), ("email", "name"))
    assert (first.policy, second.policy) == (content_hash(world.ports.policy), content_hash(ports.policy))


async def test_a_third_partys_ground_is_consent(world: World) -> None:
    """The User has pressed Allow."""
    await world.redeem(await world.code(ADA))
    (event,) = [e for e in world.store.tables.ledger.values() if e.released]
    await world.store.write(
        Record(event=replace(event, application_id=ApplicationId("crm"), ground="consent", client_org=None))
    )
    grounds = [one.ground for one in await disclosures(next(iter(world.store.tables.users)), world.store)]

    assert grounds == ["first_party", "consent"]


async def test_however_many_there_are(world: World) -> None:
    """They are read a part at a time."""
    await world.redeem(await world.code(ADA))
    (event,) = [e for e in world.store.tables.ledger.values() if e.released]
    await world.store.write(*(Record(event=event) for _ in range(module.AT_ONCE)))
    assert len(await disclosures(next(iter(world.store.tables.users)), world.store)) == module.AT_ONCE + 1
