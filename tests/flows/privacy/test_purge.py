"""A tighter policy takes effect on what is kept already, whoever is stopped or gets in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.changes import (
    AddConnection,
    AddDataKey,
    AddIdentity,
    AddUser,
    PutHold,
    Record,
    RemoveHold,
    ReplaceConnection,
    RequireNotHeld,
)
from broker.domain.connection import Connection, ConnectionStatus, KeptAttribute, UpstreamTokens
from broker.domain.errors import Fault
from broker.domain.hold import Hold
from broker.domain.identity import Identity
from broker.domain.ids import ConnectionId, IdentityId, KeyedHash, UserId
from broker.domain.ledger import AuditEvent
from broker.domain.policy import AttributePolicy
from broker.domain.policy_parse import parse
from broker.domain.user import User, UserStatus
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.connections.show import show_connections
from broker.flows.keys.rekey import rekey
from broker.flows.privacy.purge import AT_ONCE, LEASE, LEASE_SECONDS, Purged, purge
from broker.flows.sealed import seal
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, CLIENTS, CORP, GOOGLE, GRACE, KNOWN, NOW, POLICY
from tests.flows.texts import holds
from tests.flows.world import World

pytestmark = pytest.mark.anyio

GOOGLE_KEEPS: dict[str, Any] = {"keep": {"email": "Contact address"}}
TIGHTER: dict[str, Any] = {"google": GOOGLE_KEEPS, "corp": POLICY["corp"]}
NOTHING: dict[str, Any] = {}


async def run(
    world: World, document: Mapping[str, Any], *, holder: str = "run_1", dry_run: bool = False, told: Any = None
) -> Purged:
    """A process that knows this policy purges."""

    async def pace(so_far: Purged) -> None:
        if told is not None:
            told.append(so_far)

    ports = world.with_policy(document)
    return await purge(ports, holder=holder, dry_run=dry_run, pace=pace)


async def names(world: World, person: Any = ADA) -> list[str]:
    """What is kept of this account."""
    return [attribute.name for attribute in await world.kept(person)]


async def add_connections(world: World, number: int) -> None:
    """So many Users more, each with a Connection that keeps an e-mail address and a name."""
    for one in range(number):
        user_id, identity_id = UserId(f"usr_{one}"), IdentityId(f"idn_{one}")
        key = await world.ports.vault.new_key(user_id, NOW)
        connection = Connection(
            id=ConnectionId(f"con_{one:04}"),
            user_id=user_id,
            identity_id=identity_id,
            registration=GOOGLE,
            status=ConnectionStatus.ACTIVE,
            sealed_attributes=None,
            sealed_tokens=None,
            granted_scopes=frozenset(),
            generation=1,
            created_at=NOW,
            last_used_at=NOW,
            revoked_at=None,
        )
        kept = tuple(KeptAttribute(name=name, value=f"{name} {one}", since=NOW) for name in ("email", "name"))
        tokens = UpstreamTokens(access_token="access", refresh_token=None, expires_at=None)
        attributes, sealed_tokens = await seal(connection, kept, tokens, key, world.ports.vault)
        identity = Identity(
            id=identity_id, hash=KeyedHash(f"{one}"), registration=GOOGLE, user_id=user_id, created_at=NOW
        )
        await world.store.write(
            AddUser(user=User(id=user_id, status=UserStatus.ACTIVE, created_at=NOW)),
            AddDataKey(key=key),
            AddIdentity(identity=identity),
            AddConnection(connection=replace(connection, sealed_attributes=attributes, sealed_tokens=sealed_tokens)),
        )
    world.forget()


async def test_what_is_not_allowed_any_more_goes_and_the_rest_stays(world: World) -> None:
    """With its date, and with the Provider's tokens, as something else is asked for by the same scope."""
    await world.signed_in(ADA)
    await world.signed_in(GRACE)
    tokens, (email, _) = await world.tokens(), await world.kept()
    world.clock.advance(60)
    done = await run(world, TIGHTER | {"google": {"keep": {"email": "Contact address", "locale": "Letters"}}})

    assert done == Purged(looked_at=2, connections=1, dropped={(GOOGLE, "name"): 1}, unreadable=())
    assert done.attributes == 1
    assert await world.kept() == (email,)
    assert await world.tokens() == tokens
    assert await names(world, GRACE) == ["email"]  # globex had kept no more before


async def test_tokens_that_were_asked_for_what_goes_go_too_and_their_provider_is_told(world: World) -> None:
    """No attribute that is left needs their scope. The next sign-in asks for less."""
    ada = await world.signed_in(ADA)
    tokens = await world.tokens()
    world.forget()
    assert (await run(world, TIGHTER, dry_run=True)).tokens == 1
    assert (await run(world, TIGHTER)).tokens == 1

    after = (await world.connection()).connection
    assert (after.status, after.granted_scopes) == (ConnectionStatus.NEEDS_REAUTH, frozenset())
    assert await world.tokens() is None
    purged, forgotten = world.events()
    assert (purged.action, purged.reason) == ("attributes.purge", "1:name")
    assert forgotten == replace(purged, action="tokens.forget", reason="not_permitted")
    assert (forgotten.user_id, forgotten.object_id) == (ada.user.id, after.id)
    assert await deliver_revocations(world.ports) == 1
    assert world.upstream.revocations == [(GOOGLE, tokens)]

    ports = world.with_policy(TIGHTER)
    await world.sign_in(ADA, ports=ports)
    assert world.upstream.departures[-1].attempt.scopes == ("openid", "email")
    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE


async def test_what_a_provider_grants_unasked_is_no_reason_to_end_it_each_time(world: World) -> None:
    """It grants everything, whatever it is asked for."""
    await world.signed_in(ADA)
    await run(world, TIGHTER)
    await world.sign_in(ADA, ports=world.with_policy(TIGHTER))
    tokens = await world.tokens()
    assert (await world.connection()).connection.granted_scopes == ADA.granted_scopes

    assert (await run(world, TIGHTER)).tokens == 0
    assert await world.tokens() == tokens is not None


async def test_what_a_client_forbids_is_asked_for_all_the_same(world: World) -> None:
    """Whoever comes is not known before: so the tokens stay."""
    await world.signed_in(ADA)
    narrowed = {"google": {"keep": POLICY["google"]["keep"], "clients": {"acme": {}, "globex": {}}}}
    done = await run(world, narrowed)

    assert (done.attributes, done.tokens) == (2, 0)
    assert await world.tokens() is not None


async def test_a_provider_that_cannot_be_told_is_not(world: World) -> None:
    """What is destroyed here is destroyed; of a registration that is gone nobody knows what its scopes were for."""
    await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, await world.signed_in(ADA))
    world.upstream.facts[GOOGLE] = replace(world.upstream.facts[GOOGLE], can_revoke=False)
    del world.upstream.facts[CORP]
    done = await run(world, NOTHING)

    assert (done.attributes, done.tokens) == (3, 1)
    assert await world.tokens() is None
    assert (await world.connection()).revocations == ()
    assert await world.tokens(ADA_AT_CORP) is not None


async def test_each_connection_has_a_line_in_the_ledger(world: World) -> None:
    """With the number and the names of what went, and no value."""
    ada = await world.signed_in(ADA)
    world.forget()
    await run(world, NOTHING)

    assert world.events()[0] == AuditEvent(
        at=NOW,
        action="attributes.purge",
        outcome="done",
        reason="2:email,name",
        user_id=ada.user.id,
        registration=GOOGLE,
        object_id=ada.session.connection_id,
    )
    assert not holds(world.store.tables.ledger, "ada@acme.example")
    assert not holds(world.store.tables.ledger, "Lovelace")


async def test_a_registration_without_a_section_keeps_nothing(world: World) -> None:
    """The Connection lives on: its User can still sign in with it."""
    await world.signed_in(ADA)
    await run(world, NOTHING)

    assert await world.kept() == ()
    ports = world.with_policy(NOTHING)
    await world.sign_in(ADA, ports=ports)
    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE
    assert await world.kept() == ()


@pytest.mark.parametrize(
    ("clients", "kept"),
    [
        ({"acme": {"keep": ["email"]}}, ["email", "name"]),
        ({"acme": {"keep": ["email"]}, "globex": {"keep": ["email"]}}, ["email"]),
        ({"acme": {"keep": ["name"]}, "globex": {"keep": ["email"]}}, ["email", "name"]),
        ({"acme": {}, "globex": {}}, []),
    ],
    ids=["the other allows it", "both narrow", "one each", "neither allows anything"],
)
async def test_an_attribute_stays_as_long_as_one_client_allows_it(
    world: World, clients: dict[str, Any], kept: list[str]
) -> None:
    """Ada acts for both."""
    await world.signed_in(ADA)
    await run(world, {"google": {"keep": POLICY["google"]["keep"], "clients": clients}})

    assert await names(world) == kept


async def test_a_client_that_was_withdrawn_allows_nothing_any_more(world: World) -> None:
    """What only acme had let be kept of Ada goes when she acts for globex alone."""
    await world.signed_in(ADA)
    await world.declare(clients={"globex": CLIENTS["globex"]})
    done = await run(world, POLICY)

    assert done.dropped == {(GOOGLE, "name"): 1}
    assert await names(world) == ["email"]


async def test_nothing_to_drop_is_nothing_written(world: World) -> None:
    """Nor is anything where nobody is."""
    assert await run(world, POLICY) == Purged(looked_at=0, connections=0, dropped={}, unreadable=())
    await world.signed_in(ADA)
    world.forget()

    assert (await run(world, POLICY)).attributes == 0
    assert world.written == []


async def test_a_second_time_there_is_nothing_left(world: World) -> None:
    """Nor with a Connection that keeps nothing any more."""
    await world.signed_in(ADA)
    for document, dropped in ((TIGHTER, 1), (TIGHTER, 0), (NOTHING, 1), (NOTHING, 0)):
        assert (await run(world, document)).attributes == dropped


async def test_a_dry_run_counts_and_changes_nothing(world: World) -> None:
    """Not even the lease, which another process may hold."""
    ada = await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, ada)
    world.forget()
    await world.store.take_lease(LEASE, "run_2", NOW, LEASE_SECONDS)
    leases = dict(world.store.tables.leases)
    done = await run(world, NOTHING, dry_run=True)

    assert done.dropped == {(GOOGLE, "email"): 1, (GOOGLE, "name"): 1, (CORP, "email"): 1}
    assert done.connections == 2
    assert world.written == []
    assert world.store.tables.leases == leases


async def test_it_works_in_batches_and_says_how_far_it_has_come(world: World) -> None:
    """Each Connection is a write of its own, with its line."""
    await add_connections(world, AT_ONCE + 2)
    told: list[Purged] = []
    done = await run(world, TIGHTER, told=told)

    assert [(so_far.looked_at, so_far.attributes) for so_far in told] == [(AT_ONCE, AT_ONCE), (AT_ONCE + 2,) * 2]
    assert done.connections == AT_ONCE + 2
    assert [[type(change) for change in write] for write in world.store.writes] == [
        [RequireNotHeld, ReplaceConnection, Record]
    ] * done.connections


async def test_a_sign_in_at_the_same_moment_wins(world: World) -> None:
    """What it wrote stays, but for what this policy does not allow."""
    await world.signed_in(ADA)
    married = replace(ADA, profile={**ADA.profile, "email": "ada@lovelace.example", "name": "Ada King"})
    world.clock.advance(60)
    world.store.before("write", lambda: world.sign_in(married))
    done = await run(world, TIGHTER)

    assert [(a.name, a.value, a.since) for a in await world.kept()] == [("email", "ada@lovelace.example", NOW + 60)]
    assert done.connections == 1


async def test_a_sign_in_that_knows_the_new_policy_leaves_nothing_to_do(world: World) -> None:
    """And no line is written for it."""
    await world.signed_in(ADA)
    tighter = world.with_policy(TIGHTER)
    world.store.before("write", lambda: world.sign_in(ADA, ports=tighter))
    world.forget()
    done = await run(world, TIGHTER)

    assert await names(world) == ["email"]
    assert done.connections == 0
    assert [event.action for event in world.events()] == ["sign_in.finish"]


async def test_a_user_who_disconnects_at_the_same_moment_is_let_go(world: World) -> None:
    """Nothing comes back."""
    ada = await world.signed_in(ADA)
    connection_id = ada.session.connection_id
    world.store.before("write", lambda: revoke(connection_id, ada.user.id, world.ports, request_id=""))
    done = await run(world, TIGHTER)

    after = (await world.connection()).connection
    assert (after.status, after.sealed_attributes, done.connections) == (ConnectionStatus.REVOKED, None, 0)


async def test_a_user_who_is_erased_at_the_same_moment_stays_erased(world: World) -> None:
    """Their Connection is gone, and their key with it."""
    ada = await world.signed_in(ADA)

    async def erase() -> None:
        del world.store.tables.connections[ada.session.connection_id]

    world.store.before("write", erase)
    assert (await run(world, TIGHTER)).connections == 0
    assert world.store.tables.connections == {}


async def test_another_data_key_at_the_same_moment_opens_what_stays(world: World) -> None:
    """Both changes are made, one after the other."""
    ada = await world.signed_in(ADA)
    ports = world.ports
    world.store.before("write", lambda: rekey(ada.user.id, ports.store, ports.vault, ports.clock))
    done = await run(world, TIGHTER)

    assert done.connections == 1
    assert await names(world) == ["email"]


async def test_somebody_who_never_stops_signing_in_is_tried_again_later(world: World) -> None:
    """This run fails, and nothing of what they wrote is lost."""
    await world.signed_in(ADA)
    world.store.always_before("write", lambda: world.sign_in(ADA))
    with refusal(Fault, "contention"):
        await run(world, TIGHTER)


async def test_what_does_not_open_is_named_and_keeps_nobody_else_back(world: World) -> None:
    """What is sealed stays as it is; its User has to sign in again, and the ledger says why, once."""
    await world.signed_in(GRACE)
    await world.signed_in(ADA)
    damaged = await world.damage(GRACE, sealed_attributes=b"\x01\x01damaged")
    done = await run(world, TIGHTER)

    assert (done.unreadable, done.connections) == ((damaged.id,), 1)
    marked = replace(damaged, status=ConnectionStatus.NEEDS_REAUTH)
    assert (await world.connection(GRACE)).connection == marked
    assert await names(world) == ["email"]
    await run(world, TIGHTER)
    assert [event.object_id for event in world.events() if event.action == "vault.open"] == [damaged.id]


async def test_looking_marks_nothing(world: World) -> None:
    """A dry run names what does not open, and writes nothing."""
    await world.signed_in(GRACE)
    damaged = await world.damage(GRACE, sealed_attributes=b"\x01\x01damaged")
    world.forget()

    assert (await run(world, TIGHTER, dry_run=True)).unreadable == (damaged.id,)
    assert world.written == []


async def test_tokens_that_do_not_open_do_not_save_an_attribute(world: World) -> None:
    """They are worthless, and the Connection needs a new sign-in."""
    await world.signed_in(ADA)
    await world.damage(ADA, sealed_tokens=b"\x01\x01damaged")
    await run(world, TIGHTER)

    after = (await world.connection()).connection
    assert (after.status, after.sealed_tokens) == (ConnectionStatus.NEEDS_REAUTH, None)
    assert await names(world) == ["email"]


async def test_a_connection_without_tokens_is_purged_too(world: World) -> None:
    """And has none afterwards."""
    await world.signed_in(ADA)
    await world.damage(ADA, sealed_tokens=None)
    await run(world, TIGHTER)

    assert await names(world) == ["email"]
    assert await world.tokens() is None
    assert (await world.connection()).connection.status is ConnectionStatus.ACTIVE


async def test_one_process_works_at_a_time(world: World) -> None:
    """The other one hears that it is being done; whoever is done lets others begin at once."""
    await world.signed_in(ADA)
    await world.store.take_lease(LEASE, "run_2", NOW, LEASE_SECONDS)
    assert not (await run(world, TIGHTER)).is_ours
    assert await names(world) == ["email", "name"]

    world.clock.advance(LEASE_SECONDS)
    assert (await run(world, TIGHTER)).is_ours
    assert (await run(world, NOTHING, holder="run_2")).is_ours
    assert await names(world) == []


@pytest.mark.parametrize("method", ["take_lease", "connections_keeping", "write"])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_stopped_at_any_step_it_is_carried_on_to_the_same_end(world: World, method: str, after: int) -> None:
    """By whoever comes next; everything opens all the while, and each Connection has one line."""
    await add_connections(world, AT_ONCE + 2)

    async def nothing() -> None:
        pass

    for _ in range(after):
        world.store.before(method, nothing)
    world.store.stop_before(method)
    with refusal(Fault, "storage_unavailable"):
        await run(world, TIGHTER)
    world.store.down = False

    world.clock.advance(LEASE_SECONDS)
    await run(world, TIGHTER, holder="run_2")
    for one in range(AT_ONCE + 2):
        (shown,) = await show_connections(UserId(f"usr_{one}"), world.ports)
        assert [(a.name, a.value) for a in shown.attributes] == [("email", f"email {one}")]
    purged = [event.object_id for event in world.events()]
    assert sorted(map(str, purged)) == [f"con_{one:04}" for one in range(AT_ONCE + 2)]


def test_the_policies_of_these_tests_are_tighter() -> None:
    """Else nothing would be proven."""
    before: AttributePolicy = parse(POLICY, KNOWN)

    assert parse(TIGHTER, KNOWN).keeps(GOOGLE).keys() < before.keeps(GOOGLE).keys()


async def test_nothing_goes_of_whoever_is_held(world: World) -> None:
    """Nor of whoever is held in the very moment, and nobody is counted who is."""
    ada = await world.signed_in(ADA)
    held = PutHold(hold=Hold(user_id=ada.user.id, reference="2027/114", since=NOW))
    world.store.before("write", lambda: world.store.write(held))
    assert (await run(world, NOTHING)).attributes == 0
    world.forget()

    assert (await run(world, NOTHING)).attributes == (await run(world, NOTHING, dry_run=True)).attributes == 0
    assert (await names(world), world.written) == (["email", "name"], [])
    await world.store.write(RemoveHold(user_id=ada.user.id))
    assert (await run(world, NOTHING)).attributes == 2
