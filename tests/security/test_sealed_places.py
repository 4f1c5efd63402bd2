"""G16-02: whatever is sealed opens in one place: not in another row, column, table, User's or generation's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import permutations

import pytest
from sqlalchemy import LargeBinary

from broker.crypto.signing_keys import generate
from broker.crypto.vault import LocalVault
from broker.domain.errors import SealBroken
from broker.domain.ledger_rules import LedgerRules
from broker.domain.sealing import SYSTEM_OWNER, Place, WrappedKey
from broker.domain.signing_key import place_of
from broker.flows.connections.revoke import revoke
from broker.storage import tables
from tests.flows.setting import ADA, ADA_AT_CORP, GRACE, NOW
from tests.flows.world import KEYRING, World, open_world

pytestmark = pytest.mark.anyio

HASHES = {("ledger_links", "event_hash"), ("ledger_links", "chain_hash")}
"""Columns of bytes in which nothing is sealed."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """One value, where it stands, and the key of whose it is."""

    key: WrappedKey
    place: Place
    envelope: bytes = field(repr=False)
    plaintext: bytes = field(repr=False)


class NotingVault(LocalVault):
    """The vault; it notes what is sealed."""

    def __init__(self) -> None:
        super().__init__(KEYRING)
        self.sealed: list[Sealed] = []

    async def seal(self, key: WrappedKey, place: Place, plaintext: bytes) -> bytes:
        envelope = await super().seal(key, place, plaintext)
        self.sealed.append(Sealed(key=key, place=place, envelope=envelope, plaintext=plaintext))
        return envelope


@pytest.fixture
async def sealed() -> list[Sealed]:
    """All that is sealed when two people sign in twice, connect another account, and disconnect one; and a start."""
    vault = NotingVault()
    world = await open_world()
    world.ports = type(world.ports)(
        **{
            name: getattr(world.ports, name)
            for name in world.ports.__dataclass_fields__
            if name not in ("vault", "policy")
        },
        vault=vault,
        policy=replace(world.ports.policy, ledger=LedgerRules(address="shortened")),
    )
    world.address = "203.0.113.77"
    await everything(world)
    await vault.seal(await vault.new_key(SYSTEM_OWNER, NOW), place_of("kid-1"), generate().private_der)
    return vault.sealed


async def everything(world: World) -> None:
    """So that each sealed column has a few values."""
    for person in (ADA, GRACE, ADA):
        await world.sign_in(person)
        world.clock.advance(1)
    session = await world.signed_in(ADA)
    await world.connect(ADA_AT_CORP, session)
    for person in (ADA, GRACE):
        connection = (await world.connection(person)).connection
        await revoke(connection.id, connection.user_id, world.ports, request_id="req")


async def test_every_sealed_column_is_among_them(sealed: list[Sealed]) -> None:
    """So that a new one is not left out of the case below; several Users, rows and generations."""
    columns = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }

    assert {(one.place.table, one.place.column) for one in sealed} == columns - {("data_keys", "wrapped"), *HASHES}
    assert len({one.place.owner for one in sealed}) == 3
    assert len({one.place.registration for one in sealed}) == 3
    assert len({one.place.generation for one in sealed}) > 2
    assert len({one.place for one in sealed}) == len(sealed) > 12


async def test_no_value_opens_in_another_ones_place(sealed: list[Sealed]) -> None:
    """Every pair, by the key of either, and by either's key under the other's name."""
    vault = LocalVault(KEYRING)
    for one in sealed:
        assert await vault.open(one.key, one.place, one.envelope) == one.plaintext
    opened = []
    for one, other in permutations(sealed, 2):
        for key in {one.key, other.key}:
            try:
                await vault.open(key, other.place, one.envelope)
            except SealBroken:
                continue
            opened.append((one.place, other.place))

    assert opened == []


async def test_no_data_key_unwraps_in_another_ones_row(sealed: list[Sealed]) -> None:
    """Given to another owner, or under another id."""
    keys = list({one.key.id: one.key for one in sealed}.values())
    moved = [
        WrappedKey(id=b.id, owner=b.owner, kek_id=b.kek_id, wrapped=a.wrapped, created_at=b.created_at)
        for a, b in permutations(keys, 2)
    ]

    assert len(keys) >= 3
    assert set(await LocalVault(KEYRING).rewrap(moved)) == {None}
