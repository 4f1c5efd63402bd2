"""Invitations: taken once, by whoever proves the address first, and never matched by e-mail again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.domain.client_org import rights_by_client
from broker.domain.errors import Refusal
from broker.domain.grant import Rights
from broker.domain.ids import ClientOrgId, UserId
from tests.fakes.upstream import Person
from tests.flows.refusals import refusal
from tests.flows.setting import ACME, ADA, ADA_AT_CORP, CLIENTS, GLOBEX, GRACE, STRANGER
from tests.flows.world import World

pytestmark = pytest.mark.anyio

ADA_ANEW = replace(ADA, subject="107691504500061815009")
"""Whoever has Ada's address now, with another account at Google."""
INITECH = ClientOrgId("initech")


async def rights(world: World, user_id: UserId) -> Rights:
    """What a User may do now."""
    held = await world.ports.store.held_authorizations(user_id)
    return rights_by_client(held.authorizations, held.clients)


async def test_a_proven_address_takes_every_invitation_for_it(world: World) -> None:
    """Of every Client at once; other people's stay open."""
    ada = await world.signed_in(ADA)

    assert await rights(world, ada.user.id) == {
        ACME: ("invoices:read", "reports:read"),
        GLOBEX: ("reports:read",),
    }
    open_ones = [a for a in world.store.tables.authorizations.values() if a.user_id is None]
    assert [a.invited_email for a in open_ones] == [world.email_hash("grace@globex.example")]


@pytest.mark.parametrize(
    "verified_email",
    [None, "", "ada", "ada@@acme.example", "ada@acme.example.evil.example", "ada@acme.example, eve@elsewhere.example"],
    ids=["absent", "empty", "no address", "two signs", "longer", "two addresses"],
)
async def test_an_address_that_is_not_proven_takes_none(world: World, verified_email: str | None) -> None:
    """Though the profile names it: what a Provider says is one thing, what it vouches for another."""
    person = replace(STRANGER, profile={"email": "ada@acme.example"}, verified_email=verified_email)
    signed_in = await world.signed_in(person)

    assert await rights(world, signed_in.user.id) == {}


async def test_an_address_is_compared_without_case_and_space(world: World) -> None:
    """As mail is delivered."""
    ada = await world.signed_in(replace(ADA, verified_email=" Ada@ACME.example"))

    assert ACME in await rights(world, ada.user.id)


async def test_an_invitation_that_came_later_is_taken_at_the_next_sign_in(world: World) -> None:
    """By the User who is there already, when they prove the address again."""
    ada = await world.signed_in(ADA)
    more = {"name": "Initech", "rights": ["tps:read"]}
    more_rights = {"authorizations": [{"user": "ada@acme.example", "rights": ["tps:read"]}]}
    await world.declare(clients=CLIENTS | {"initech": more | more_rights})
    assert INITECH not in await rights(world, ada.user.id)

    await world.signed_in(ADA)
    assert (await rights(world, ada.user.id))[INITECH] == ("tps:read",)


async def test_another_account_with_the_same_address_is_refused(world: World) -> None:
    """The domain may have been registered anew, or the mailbox given on; an administrator has to look."""
    ada = await world.signed_in(ADA)
    world.forget()

    with refusal(Refusal, "subject_changed"):
        await world.sign_in(ADA_ANEW)
    assert world.written == []
    assert ACME in await rights(world, ada.user.id)


async def test_another_account_with_the_same_address_cannot_be_connected_either(world: World) -> None:
    """Not to anybody, not even to the User who took the invitation."""
    ada, grace = await world.signed_in(ADA), await world.signed_in(GRACE)
    world.forget()

    for signed_in in (grace, ada):
        with refusal(Refusal, "subject_changed"):
            await world.connect(ADA_ANEW, signed_in)
    assert world.written == []


async def test_another_account_without_a_proven_address_is_somebody_new(world: World) -> None:
    """It claims nothing, so there is nothing to refuse; and it gets nothing."""
    ada = await world.signed_in(ADA)
    other = await world.signed_in(replace(ADA_ANEW, verified_email=None))

    assert other.user.id != ada.user.id
    assert await rights(world, other.user.id) == {}


async def test_the_same_address_at_another_provider_is_somebody_new(world: World) -> None:
    """Who an address belongs to is one Provider's word against another's: nothing is matched, nobody is merged."""
    ada = await world.signed_in(ADA)
    other = await world.signed_in(replace(ADA_AT_CORP, verified_email="ada@acme.example"))

    assert other.user.id != ada.user.id
    assert await rights(world, other.user.id) == {}
    assert await rights(world, ada.user.id) == {ACME: ("invoices:read", "reports:read"), GLOBEX: ("reports:read",)}


async def test_who_has_taken_an_address_on_later_gets_nothing_of_its_former_owner(world: World) -> None:
    """Grace's account is given Ada's address: she stays Grace, with Grace's rights."""
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    again = await world.signed_in(replace(GRACE, verified_email="ada@acme.example"))

    assert await rights(world, again.user.id) == {GLOBEX: ("reports:read", "reports:write")}


async def test_a_user_whose_address_changed_keeps_what_they_had(world: World) -> None:
    """It is theirs, not the address's."""
    ada = await world.signed_in(ADA)
    again = await world.signed_in(replace(ADA, verified_email="ada@elsewhere.example"))

    assert again.user == ada.user
    assert ACME in await rights(world, again.user.id)


async def test_a_further_account_brings_the_invitations_for_its_address(world: World) -> None:
    """Ada was also invited under her address at work."""
    invited = {"user": "ada@corp.example", "rights": ["reports:write"]}
    more = CLIENTS["globex"] | {"authorizations": [*CLIENTS["globex"]["authorizations"], invited]}
    await world.declare(clients=CLIENTS | {"globex": more})
    ada = await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, ada)

    assert (await rights(world, ada.user.id))[GLOBEX] == ("reports:read", "reports:write")


@pytest.mark.parametrize("person", [ADA, STRANGER], ids=["proven", "not proven"])
async def test_an_address_is_asked_for_only_where_it_is_proven(world: World, person: Person) -> None:
    """In one read with everything else: between two, somebody else could take the invitation."""
    await world.sign_in(person)

    (asked,) = [call for call in world.store.received if call[0] == "arrival"]
    assert (asked[3] is not None) is (person is ADA)


async def test_an_account_without_an_address_is_somebody_too(world: World) -> None:
    """Two strangers are two Users, though neither has a proven address."""
    first = await world.signed_in(STRANGER)
    second = await world.signed_in(replace(STRANGER, subject="107691504500061815008"))

    assert first.user.id != second.user.id
