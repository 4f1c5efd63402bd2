"""`broker apply`: what the operator declared becomes true, by exactly the differences."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain import manifest
from broker.domain.changes import (
    AddAuthorization,
    PutApplication,
    PutClientOrg,
    Record,
    RemoveApplication,
    RemoveAuthorization,
    RemoveClientOrg,
    SetRights,
)
from broker.domain.ids import UserId
from broker.flows.clients.apply import Difference, apply
from tests.flows.setting import ACME, ADA, APPLICATIONS, CLIENTS, NOW, SECRETS
from tests.flows.texts import holds, texts_in
from tests.flows.world import World

pytestmark = pytest.mark.anyio


async def declare(
    world: World, *, clients: Any = CLIENTS, applications: Any = APPLICATIONS, dry_run: bool = False
) -> tuple[Difference, ...]:
    """Apply, and look at what came of it alone."""
    world.forget()
    document = manifest.parse({"clients": clients, "applications": applications})
    return await apply(document, world.ports, dry_run=dry_run)


def acme(**changes: Any) -> dict[str, Any]:
    """The Clients, with another acme."""
    return CLIENTS | {"acme": CLIENTS["acme"] | changes}


def demo(**changes: Any) -> dict[str, Any]:
    """The Applications, with another demo-app."""
    return APPLICATIONS | {"demo-app": APPLICATIONS["demo-app"] | changes}


def changed(world: World) -> list[type]:
    """What kinds of changes were made, the ledger's lines left out."""
    return [type(change) for change in world.written if not isinstance(change, Record)]


async def test_a_first_time_makes_everything(world: World) -> None:
    """In an order in which each finds what it needs, all at once."""
    await declare(world, clients={}, applications={})
    differences = await declare(world)

    assert changed(world) == [PutClientOrg] * 2 + [PutApplication] * 4 + [AddAuthorization] * 3
    assert len(world.store.writes) == 1
    assert [str(difference) for difference in differences] == [
        "+ client acme  'Acme Inc.' +invoices:read +invoices:write +reports:read",
        "+ client globex  'Globex Corporation' +reports:read +reports:write",
        "+ application demo-app  'Demo'",
        "+ application reports  'Reports'",
        """+ application crm  "Somebody's CRM\"""",
        "+ application robot  'Robot'",
        "+ authorization acme -> ada@acme.example  +invoices:read +reports:read",
        "+ authorization globex -> ada@acme.example  +reports:read",
        "+ authorization globex -> grace@globex.example  +reports:read +reports:write",
    ]


async def test_applying_twice_changes_nothing(world: World) -> None:
    """Nor does it when somebody has taken an invitation meanwhile."""
    assert await declare(world) == ()
    await world.sign_in(ADA)

    assert await declare(world) == ()
    assert world.written == []


async def test_a_dry_run_shows_the_same_and_writes_nothing(world: World) -> None:
    """The ids of what would be made are others each time."""
    clients, applications = acme(name="Acme Ltd.", authorizations=[]), demo(name="Demonstration")
    shown = await declare(world, clients=clients, applications=applications, dry_run=True)
    assert world.written == []
    done = await declare(world, clients=clients, applications=applications)

    assert [str(difference) for difference in shown] == [str(difference) for difference in done]
    assert len(done) == 3


async def test_every_change_is_one_line_of_the_ledger(world: World) -> None:
    """Written together with it, with the id of what was changed."""
    differences = await declare(world, clients=acme(name="Acme Ltd.", authorizations=[]))

    assert [(e.at, e.action, e.outcome, e.object_id) for e in world.events()] == [
        (NOW, "apply.PutClientOrg", "done", "acme"),
        (NOW, "apply.RemoveAuthorization", "done", differences[1].object_id),
    ]
    assert differences[1].object_id.startswith("azn_")
    assert len(world.store.writes) == 1


async def test_no_secret_and_no_address_is_handed_to_the_store(world: World) -> None:
    """Keyed hashes of both are; nor is a secret shown to the operator."""
    await declare(world, clients={}, applications={})
    differences = await declare(world)

    for text in (*SECRETS.values(), "crm-old-secret-canary", "ada@acme.example", "grace@globex.example"):
        assert not holds(world.store.received, text)
    assert not any("canary" in str(difference) or "canary" in repr(difference) for difference in differences)
    assert world.email_hash("ada@acme.example") in texts_in(world.store.received)
    crm_hash = world.ports.secrets.keyed_hash("application_secret", SECRETS["crm"])
    assert crm_hash in texts_in(world.store.received)


async def test_no_address_is_in_the_ledger(world: World) -> None:
    """Not even as a hash: it names Authorizations by their ids."""
    await declare(world, clients={}, applications={})
    await declare(world)

    assert not holds(world.events(), "@")
    assert not holds(world.events(), world.email_hash("ada@acme.example"))


@pytest.mark.parametrize(
    ("clients", "line"),
    [
        (acme(name="Acme Ltd."), "~ client acme  'Acme Ltd.'"),
        (
            acme(rights=["reports:read", "invoices:read", "admin"]),
            "~ client acme  'Acme Inc.' +admin -invoices:write",
        ),
    ],
    ids=["name", "rights"],
)
async def test_a_changed_client_is_put(world: World, clients: dict[str, Any], line: str) -> None:
    """The line says what is new and what is gone."""
    (difference,) = await declare(world, clients=clients)

    assert str(difference) == line
    assert changed(world) == [PutClientOrg]


async def test_a_client_that_is_not_declared_is_removed(world: World) -> None:
    """With every Authorization it gave, which are not lines of their own."""
    (difference,) = await declare(world, clients={"globex": CLIENTS["globex"]})

    assert str(difference) == "- client acme  with every Authorization it gave"
    assert changed(world) == [RemoveClientOrg]
    assert {a.client_org for a in world.store.tables.authorizations.values()} == {"globex"}


@pytest.mark.parametrize(
    ("applications", "line"),
    [
        (demo(name="Demonstration"), "~ application demo-app  changed: name"),
        (
            demo(first_party=False, redirect_uris=["https://demo.example/"]),
            "~ application demo-app  changed: redirect_uris, first_party",
        ),
        (
            APPLICATIONS | {"crm": APPLICATIONS["crm"] | {"secrets": ["crm-new-secret-canary"]}},
            "~ application crm  changed: secrets",
        ),
    ],
    ids=["name", "two things", "secrets"],
)
async def test_a_changed_application_is_put(world: World, applications: dict[str, Any], line: str) -> None:
    """The line names what changed, not the values."""
    (difference,) = await declare(world, applications=applications)

    assert str(difference) == line
    assert changed(world) == [PutApplication]


async def test_an_application_that_is_not_declared_is_removed(world: World) -> None:
    """With its grants and consents."""
    await world.code(ADA)
    (difference,) = await declare(world, applications={n: a for n, a in APPLICATIONS.items() if n != "demo-app"})

    assert str(difference) == "- application demo-app  with its grants and consents"
    assert changed(world) == [RemoveApplication]
    assert world.store.tables.grants == {}


async def test_changed_rights_are_set_on_the_authorization_that_there_is(world: World) -> None:
    """Whoever took it keeps it."""
    ada = await world.signed_in(ADA)
    authorizations = [{"user": "Ada@Acme.example", "rights": ["invoices:read", "invoices:write"]}]
    (difference,) = await declare(world, clients=acme(authorizations=authorizations))

    assert str(difference) == "~ authorization acme -> ada@acme.example  +invoices:write -reports:read"
    assert changed(world) == [SetRights]
    (of_acme,) = [a for a in world.store.tables.authorizations.values() if a.client_org == ACME]
    assert of_acme.user_id == ada.user.id
    assert sorted(of_acme.rights) == ["invoices:read", "invoices:write"]


async def test_a_withdrawn_invitation_is_told_by_what_became_of_it(world: World) -> None:
    """Its address is not known any more: nobody had taken it."""
    (difference,) = await declare(world, clients=acme(authorizations=[]))

    assert str(difference) == ("- authorization acme -> an invitation nobody has taken  -invoices:read -reports:read")
    assert changed(world) == [RemoveAuthorization]


async def test_a_withdrawn_authorization_is_told_by_whose_it_was(world: World) -> None:
    """By the User's id."""
    ada = await world.signed_in(ADA)
    (difference,) = await declare(world, clients=acme(authorizations=[]))

    assert str(difference) == f"- authorization acme -> {ada.user.id}  -invoices:read -reports:read"


async def test_an_authorization_without_rights_is_one(world: World) -> None:
    """The User acts for the Client, and may do nothing yet."""
    clients = CLIENTS | {"initech": {"name": "Initech", "authorizations": [{"user": "ada@acme.example"}]}}
    _, difference = await declare(world, clients=clients)

    assert str(difference) == "+ authorization initech -> ada@acme.example"


async def test_an_authorization_that_moves_to_another_address_is_another_one(world: World) -> None:
    """Whoever had the old one loses it; the new one is an invitation."""
    await world.sign_in(ADA)
    authorizations = [{"user": "ada@corp.example", "rights": ["invoices:read", "reports:read"]}]
    await declare(world, clients=acme(authorizations=authorizations))

    assert changed(world) == [AddAuthorization, RemoveAuthorization]
    (of_acme,) = [a for a in world.store.tables.authorizations.values() if a.client_org == ACME]
    assert (of_acme.user_id, of_acme.created_at) == (None, NOW)


async def test_an_empty_document_removes_everything(world: World) -> None:
    """It is the whole truth."""
    await declare(world, clients={}, applications={})

    tables = world.store.tables
    assert (tables.client_orgs, tables.applications, tables.authorizations) == ({}, {}, {})


async def test_an_id_is_never_made_twice(world: World) -> None:
    """Nor is one made of what it stands for."""
    await declare(world, clients={}, applications={})
    first = {d.object_id for d in await declare(world, dry_run=True)}
    second = {d.object_id for d in await declare(world, dry_run=True)}

    assert {UserId(i) for i in first & second} == {"acme", "globex", "demo-app", "reports", "crm", "robot"}
