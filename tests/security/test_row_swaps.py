"""G16-02: every sealed value in every other one's place: nobody is told anything of anybody's, the ledger is.

`test_sealed_places.py` shows that nothing opens there; here is what the flows make of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy import LargeBinary

from broker.crypto.ledger_heads import read_head
from broker.crypto.signing_keys import SigningKeyRefused, generate_signing_key, load_signing_keys
from broker.domain.connection import ConnectionStatus
from broker.domain.errors import OAuthRefusal
from broker.domain.ids import ConnectionId
from broker.domain.ledger_rules import LedgerRules
from broker.domain.outbox import RevocationResult
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.connections.deliver import deliver_revocations
from broker.flows.connections.revoke import revoke
from broker.flows.connections.show import show_connections
from broker.flows.keys.add import add
from broker.flows.ledger.chain import chain
from broker.flows.ledger.show import show
from broker.flows.ledger.verify import verify
from broker.flows.possession import ShownToken
from broker.flows.signing_key import KeyTools
from broker.flows.tokens.userinfo import userinfo
from broker.storage import tables
from tests.fakes.tables import Tables
from tests.flows.refusals import refusal
from tests.flows.setting import ADA, ADA_AT_CORP, GRACE, ISSUER
from tests.flows.world import World, open_world
from tests.security.test_sealed_places import HASHES, NotingVault, Sealed

pytestmark = pytest.mark.anyio

Cell = tuple[str, str]
"""Table and column."""


@dataclass(kw_only=True)
class Story:
    """What happened in a world, to begin from again and again. `sealed`: every value that ever was, old ones too."""

    world: World
    sealed: list[Sealed] = field(repr=False)
    access_tokens: dict[ConnectionId, str] = field(repr=False)
    before: Tables = field(repr=False)

    def begin_again(self) -> None:
        """As if nothing had been swapped."""
        self.world.store.tables = self.before.copy()
        self.world.forget()


@pytest.fixture
async def story() -> Story:
    """Two people who signed in twice, each with a token of an Application's; something to be told; two signing keys."""
    world, vault = await open_world(), NotingVault()
    policy = replace(world.ports.policy, ledger=LedgerRules(address="shortened"))
    world.ports = replace(world.ports, vault=vault, policy=policy)
    world.address = "203.0.113.77"
    tools = KeyTools(store=world.store, vault=vault, clock=world.clock, generate=generate_signing_key)
    for algorithm in ("ES256", "EdDSA"):
        await add(algorithm, tools)
    access_tokens = {}
    for person in (ADA, GRACE, GRACE, ADA):
        world.clock.advance(1)
        tokens = await world.redeem(await world.code(person))
        access_tokens[(await world.connection(person)).connection.id] = tokens.access_token
    await world.connect(ADA_AT_CORP, await world.signed_in(ADA))
    at_corp = (await world.connection(ADA_AT_CORP)).connection
    await revoke(at_corp.id, at_corp.user_id, world.ports, request_id="req-revoke")
    await chain(world.store, world.clock, holder="run_1")
    return Story(world=world, sealed=vault.sealed, access_tokens=access_tokens, before=world.store.tables.copy())


async def attributes_are_asked_for(story: Story, row: Any) -> None:
    """By the User's own pages, and by an Application: neither is told anything, nor what was wrong."""
    world, ports = story.world, story.world.ports
    await a_page_is_shown(story, row)
    with refusal(OAuthRefusal, "invalid_token") as refused:
        await userinfo(ShownToken(text=story.access_tokens[row.id]), ports)
    assert refused.value.detail == "seal broken"
    assert reasons(world, row.id) == ["seal_broken"]


async def a_page_is_shown(story: Story, row: Any) -> None:
    """Nothing is on it, and the Connection has to be made anew."""
    world = story.world
    shown = {one.connection.id: one for one in await show_connections(row.user_id, world.ports)}[row.id]
    assert (shown.attributes, shown.status) == ((), ConnectionStatus.NEEDS_REAUTH)
    assert world.store.tables.connections[row.id] == replace(row, status=ConnectionStatus.NEEDS_REAUTH)
    assert reasons(world, row.id) == ["seal_broken"]


async def tokens_are_to_be_revoked(story: Story, row: Any) -> None:
    """The Provider hears of nobody's tokens; the Connection ends all the same."""
    ports = story.world.ports
    revoked = await revoke(row.id, row.user_id, ports, request_id="req-revoke")
    assert (revoked.pending, revoked.connection.sealed_tokens) == (None, None)
    assert reasons(story.world, row.id) == ["seal_broken"]


async def a_provider_is_to_be_told(story: Story, row: Any) -> None:
    """The outbox gives up, and has told nobody of somebody else's token."""
    world = story.world
    assert await deliver_revocations(world.ports) == 1
    settled = world.store.tables.pending_revocations[row.id]
    assert (settled.result, settled.sealed_token) == (RevocationResult.GIVEN_UP, None)
    assert (world.event().object_id, world.event().reason) == (row.connection_id, "seal_broken")
    assert world.upstream.revocations == []


async def a_process_starts(story: Story, row: Any) -> None:
    """It does not sign by a key that is not the one which was published under this name."""
    rows = story.world.store.tables
    with pytest.raises(SigningKeyRefused, match="does not open"):
        await load_signing_keys([rows.signing_keys[row.kid]], rows.data_keys[SYSTEM_OWNER], story.world.ports.vault)


async def a_line_is_read(story: Story, row: Any) -> None:
    """Whoever shows the ledger is told no other address; and whoever verifies it, that this line was changed."""
    ports = story.world.ports
    shown = await show(None, 0, 1000, ports.store, ports.vault, ports.clock, with_values=True)
    (address,) = [one.address for one in shown if one.entry.event == row]
    assert address is None
    assert {one.address for one in shown} == {None, "203.0.113.0/24"}
    (problem,) = (await verify(ports.store, read_head, ISSUER, None)).problems
    assert "event" in problem


USES: dict[Cell, Callable[[Story, Any], Awaitable[None]]] = {
    ("connections", "sealed_attributes"): attributes_are_asked_for,
    ("connections", "sealed_tokens"): tokens_are_to_be_revoked,
    ("pending_revocations", "sealed_token"): a_provider_is_to_be_told,
    ("signing_keys", "sealed_private"): a_process_starts,
    ("ledger", "sealed"): a_line_is_read,
}


def reasons(world: World, connection_id: ConnectionId) -> list[str]:
    """Why, as often as the ledger was told that something of this Connection does not open."""
    told = [event for event in world.events() if event.action == "vault.open"]
    assert {event.object_id for event in told} <= {connection_id}
    return [event.reason for event in told]


def damaged(envelope: bytes) -> Iterator[bytes]:
    """Nothing, cut, longer, and of another version or algorithm, newer and older."""
    yield from (b"", envelope[:2], envelope[:-1], envelope[:60], envelope + b"\x00")
    for version, algorithm in ((0, 1), (2, 1), (1, 0), (1, 2), (255, 255)):
        yield bytes((version, algorithm)) + envelope[2:]
    yield envelope[2:]


def test_no_sealed_column_is_forgotten() -> None:
    """A new one has to say here what is made of it when its value is another one's."""
    sealed = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    assert USES.keys() == sealed - {("data_keys", "wrapped"), *HASHES}


@pytest.mark.parametrize(("table", "column"), USES)
async def test_a_value_in_anothers_place_is_noticed(story: Story, table: str, column: str) -> None:
    """Of another table, column, row, User, registration or generation; or damaged, cut short, or of another version."""
    tried = 0
    for key, row in getattr(story.before, table).items():
        own = getattr(row, column)
        if own is None:
            continue
        places = [one.place for one in story.sealed if one.envelope == own]  # none: sealed before this vault was there
        others = [one.envelope for one in story.sealed if one.place not in places]
        for envelope in (*others, *damaged(own)):
            story.begin_again()
            getattr(story.world.store.tables, table)[key] = moved = replace(row, **{column: envelope})
            await USES[table, column](story, moved)
            assert story.world.upstream.revocations == []
            tried += 1

    assert tried >= 25


@pytest.mark.parametrize("member", ["wrapped", "id", "owner"])
async def test_a_data_key_in_anothers_place_opens_nothing(story: Story, member: str) -> None:
    """The key of another User or of the system, its name, or whose it is said to be: all of that User is closed."""
    keys = story.before.data_keys
    for owner, key in keys.items():
        for other in keys.values():
            if owner in (other.owner, SYSTEM_OWNER):
                continue
            story.begin_again()
            taken = replace(key, **{member: getattr(other, member)})
            story.world.store.tables.data_keys[owner] = taken
            (row,) = [c for c in story.before.connections.values() if c.user_id == owner and c.sealed_tokens]
            await attributes_are_asked_for(story, row)
            story.begin_again()
            story.world.store.tables.data_keys[owner] = taken
            await tokens_are_to_be_revoked(story, row)


async def test_another_registration_opens_nothing(story: Story) -> None:
    """A Connection that is said to be of another Provider's keeps nothing that could be told."""
    for row in [c for c in story.before.connections.values() if c.sealed_tokens]:
        story.begin_again()
        story.world.store.tables.connections[row.id] = moved = replace(row, registration=ADA_AT_CORP.registration)
        await a_page_is_shown(story, moved)
        story.begin_again()
        story.world.store.tables.connections[row.id] = moved
        await tokens_are_to_be_revoked(story, moved)
