"""`broker apply` while somebody else writes, or while the store does not answer."""

from __future__ import annotations

import pytest

from broker.domain import manifest
from broker.domain.changes import BindAuthorization
from broker.domain.errors import Fault
from broker.flows.clients.apply import apply
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, APPLICATIONS, CLIENTS
from tests.flows.world import World

pytestmark = pytest.mark.anyio

NOTHING = manifest.parse({})
EVERYTHING = manifest.parse({"clients": CLIENTS, "applications": APPLICATIONS})


async def test_two_that_apply_at_once_make_everything_once(world: World) -> None:
    """The second compares with what the first has written, and finds nothing left to do."""
    await apply(NOTHING, world.ports, dry_run=False)
    world.forget()
    world.store.before("write", lambda: apply(EVERYTHING, world.ports, dry_run=False))

    assert await apply(EVERYTHING, world.ports, dry_run=False) == ()
    assert len(world.store.tables.authorizations) == 3
    assert len(world.events()) == 9


async def test_an_invitation_taken_meanwhile_stays_taken(world: World) -> None:
    """A change of its rights does not open it again."""
    (of_acme,) = [a for a in world.store.tables.authorizations.values() if a.client_org == ACME]
    world.store.before("write", lambda: world.sign_in(ADA))
    less = CLIENTS["acme"] | {"authorizations": [{"user": "ada@acme.example", "rights": []}]}
    await apply(
        manifest.parse({"clients": CLIENTS | {"acme": less}, "applications": APPLICATIONS}), world.ports, dry_run=False
    )

    after = world.store.tables.authorizations[of_acme.id]
    assert after.user_id in world.store.tables.users
    assert after.rights == frozenset()
    assert any(isinstance(change, BindAuthorization) for change in world.written)


async def test_a_race_that_never_ends_is_given_up(world: World) -> None:
    """With nothing half done."""
    clients_alone = manifest.parse({"clients": CLIENTS})
    world.store.always_before("catalogue", lambda: apply(NOTHING, world.ports, dry_run=False))
    world.store.always_before("write", lambda: apply(clients_alone, world.ports, dry_run=False))

    with refusal(Fault, "contention"):
        await apply(EVERYTHING, world.ports, dry_run=False)
    assert world.store.tables.applications == {}


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """And nothing is half done."""
    world.store.stop_before("write")

    with refusal(Fault, "storage_unavailable"):
        await apply(NOTHING, world.ports, dry_run=False)
    assert world.written == []
