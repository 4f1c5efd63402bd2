"""Optional attributes: kept while their User agrees, and neither before nor after, whoever looks."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.acceptance import Choice
from broker.domain.changes import PutChoice
from broker.domain.ids import GrantId, UserId
from broker.domain.policy import Context
from broker.flows.connections.show import show_connections
from broker.flows.privacy.explain import explain
from broker.flows.privacy.purge import purge
from broker.flows.sealed import open_released
from tests.flows.setting import ADA, ADA_AT_CORP, NOW
from tests.flows.world import World, open_world

pytestmark = pytest.mark.anyio

PURPOSES = {"promotional": {"label": "News", "purpose": "To tell what is new"}}
OPTIONAL: dict[str, Any] = {
    "purposes": PURPOSES,
    "google": {
        "keep": {
            "email": "Contact address",
            "name": {"purpose": "Shown to colleagues", "optional": True},
            "locale": {"purpose": "News in one's own language", "optional": "promotional"},
        },
        "release": {"email": "Audit trails", "name": "Greeting", "locale": "Greeting"},
    },
    "corp": {"keep": {"email": {"purpose": "Contact address", "optional": "promotional"}}},
}
SUBJECTS = ("google.name", "promotional")


async def agree(world: World, user_id: UserId, subject: str, *, agreed: bool = True) -> None:
    """What the User's own page writes, without what it does beside."""
    await world.store.write(PutChoice(choice=Choice(user_id=user_id, subject=subject, agreed=agreed, at=NOW)))


async def names(world: World, person: Any = ADA) -> list[str]:
    return [attribute.name for attribute in await world.kept(person)]


async def opened() -> World:
    """A broker with optional attributes."""
    world = await open_world()
    world.ports = world.with_policy(OPTIONAL)
    return world


async def test_of_whoever_has_agreed_to_nothing_nothing_optional_is_kept() -> None:
    """Though the Provider is asked for it, as they might, and tells it."""
    world = await opened()
    await world.sign_in(ADA)

    assert await names(world) == ["email"]


async def test_what_was_agreed_to_comes_with_the_next_sign_in() -> None:
    """Each subject by itself."""
    world = await opened()
    ada = await world.signed_in(ADA)
    await agree(world, ada.user.id, "google.name")
    await world.sign_in(ADA)
    assert await names(world) == ["email", "name"]

    await agree(world, ada.user.id, "promotional")
    await world.sign_in(ADA)
    assert await names(world) == ["email", "locale", "name"]


async def test_what_is_no_longer_agreed_to_goes_with_the_next_sign_in() -> None:
    """Were it there still."""
    world = await opened()
    ada = await world.signed_in(ADA)
    await agree(world, ada.user.id, "google.name")
    await world.sign_in(ADA)
    await agree(world, ada.user.id, "google.name", agreed=False)
    await world.sign_in(ADA)

    assert await names(world) == ["email"]


@pytest.mark.parametrize(("agreed", "kept"), [(False, []), (True, ["email"])])
async def test_a_further_account_is_kept_by_what_its_user_agreed_to(agreed: bool, kept: list[str]) -> None:
    """At whichever Provider they did."""
    world = await opened()
    ada = await world.signed_in(ADA)
    await agree(world, ada.user.id, "promotional", agreed=agreed)
    await world.connect(ADA_AT_CORP, ada)

    assert await names(world, ADA_AT_CORP) == kept


async def test_what_became_optional_is_told_to_nobody_and_purged() -> None:
    """At once: not on the User's page, not to an Application, and no reason is given for it any more."""
    world = await open_world()
    await world.code(ADA)
    (grant_id,) = world.store.tables.grants
    world.ports = world.with_policy(OPTIONAL)
    ports = world.ports
    found = await ports.store.grant(GrantId(grant_id))
    assert found is not None
    user_id = found.user.id

    assert (await open_released(found, (), Context.TOKENS, ports)).values == {"email": "ada@acme.example"}
    (shown,) = await show_connections(user_id, ports)
    assert [a.name for a in shown.attributes] == ["email"]
    (told,) = await explain(user_id, ports.policy, ports.store, ports.vault, ports.clock, with_values=False)
    assert {a.name: (a.purpose, a.allowed_by != ()) for a in told.attributes or ()} == {
        "email": ("Contact address", True),
        "name": (None, False),
    }

    async def pace(_: object) -> None: ...

    await purge(ports, holder="run_1", dry_run=False, pace=pace)
    assert await names(world) == ["email"]


async def test_what_is_agreed_to_is_told_and_stays() -> None:
    """Of several subjects, what belongs to this one."""
    world = await opened()
    ada = await world.signed_in(ADA)
    for subject in SUBJECTS:
        await agree(world, ada.user.id, subject)
    await world.code(ADA)
    await agree(world, ada.user.id, "promotional", agreed=False)
    (grant_id,) = world.store.tables.grants
    found = await world.ports.store.grant(GrantId(grant_id))
    assert found is not None

    assert found.agreed == {"google.name"}
    assert (await open_released(found, (), Context.TOKENS, world.ports)).values == {
        "email": "ada@acme.example",
        "name": "Ada Lovelace",
    }
