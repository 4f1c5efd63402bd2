"""There is a key to sign with, and only one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from broker.crypto.jwk import spells
from broker.crypto.signing_keys import GeneratedKey, SigningKeyRefused, generate_signing_key, load_signing_keys
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddDataKey, AddSigningKey, Record
from broker.domain.errors import Fault
from broker.domain.ledger import AuditEvent
from broker.domain.sealing import SYSTEM_OWNER
from broker.flows.keys.ensure import SigningKeys, ensure_signing_key
from broker.flows.signing_key import KeyTools
from tests.fakes.clock import SettableClock
from tests.fakes.raced_store import RacedStore
from tests.flows.refusals import refusal
from tests.flows.setting import NOW
from tests.flows.texts import holds
from tests.flows.world import KEYRING

pytestmark = pytest.mark.anyio


class Start:
    """A broker that starts on a store; it notes the keys that it makes."""

    def __init__(self, store: RacedStore) -> None:
        self.store = store
        self.vault = LocalVault(KEYRING)
        self.made: list[GeneratedKey] = []

    async def generate(self, alg: str) -> GeneratedKey:
        self.made.append(await generate_signing_key(alg))
        return self.made[-1]

    async def ensure(self, *, writes: bool = True) -> SigningKeys:
        tools = KeyTools(store=self.store, vault=self.vault, clock=SettableClock(NOW), generate=self.generate)
        return await ensure_signing_key(tools, algorithm="ES256", writes=writes)


@pytest.fixture
def start() -> Start:
    """The first start there ever was."""
    return Start(RacedStore())


async def test_the_first_start_makes_a_key(start: Start) -> None:
    """Sealed under the system's own data key, active, and one line of the ledger names it."""
    keys = await start.ensure()

    (record,) = keys.records
    (made,) = start.made
    assert (record.kid, record.alg, record.active, record.created_at) == (made.kid, "ES256", True, NOW)
    assert spells(record.public_jwk, json.loads(made.public_jwk))
    assert (keys.data_key.owner, record.data_key_id) == (SYSTEM_OWNER, keys.data_key.id)
    (loaded,) = await load_signing_keys(keys.records, keys.data_key, start.vault)
    assert loaded.kid == made.kid
    (event,) = start.store.tables.ledger.values()
    assert event == AuditEvent(at=NOW, action="signing_key.add", outcome="done", object_id=made.kid)


async def test_the_private_half_is_handed_to_no_store(start: Start) -> None:
    """Only its seal is."""
    await start.ensure()

    assert not holds(start.store.received, start.made[0].private_der.decode("latin-1"))


async def test_every_later_start_takes_the_key_that_there_is(start: Start) -> None:
    """It makes none and writes nothing."""
    first = await start.ensure()
    start.store.writes.clear()

    assert await start.ensure() == first
    assert len(start.made) == 1
    assert start.store.writes == []


async def test_two_first_starts_at_once_make_one_key(start: Start) -> None:
    """Whatever the other one comes before."""
    for what in ("signing_keys", "data_key", "write"):
        store = RacedStore()
        one, other = Start(store), Start(store)
        store.before(what, other.ensure)
        keys = await one.ensure()

        assert [key.kid for key in keys.records] == [other.made[0].kid]
        assert len([change for changes in store.writes for change in changes if isinstance(change, AddDataKey)]) == 1
        assert len(store.tables.ledger) == 1


async def test_keys_that_only_verify_do_not_suffice(start: Start) -> None:
    """One to sign with is made beside them."""
    first = await start.ensure()
    (old,) = first.records
    start.store.tables.signing_keys[old.kid] = replace(old, active=False, retired_at=NOW)
    keys = await start.ensure()

    assert [(key.kid, key.active) for key in keys.records if key.active] == [(start.made[1].kid, True)]
    assert len(keys.records) == 2
    assert keys.data_key == first.data_key


async def test_a_revoked_key_is_no_key(start: Start) -> None:
    """It is not even loaded; and where it was the only one, another is made."""
    (old,) = (await start.ensure()).records
    start.store.tables.signing_keys[old.kid] = replace(old, active=False, sealed_private=b"", revoked_at=NOW)
    keys = await start.ensure()

    assert [key.kid for key in keys.records] == [start.made[1].kid]
    assert keys.records[0].active


async def test_who_only_looks_gets_a_key_of_their_own(start: Start) -> None:
    """It opens as any other would, another one each time, and nobody else knows it."""
    one, other = await start.ensure(writes=False), await start.ensure(writes=False)

    for keys, made in zip((one, other), start.made, strict=True):
        (loaded,) = await load_signing_keys(keys.records, keys.data_key, start.vault)
        assert (loaded.kid, loaded.active) == (made.kid, True)
    assert one.data_key != other.data_key
    assert start.store.writes == []


async def test_who_only_looks_takes_what_there_is(start: Start) -> None:
    """The key that is active; or, beside keys that only verify, one of their own under the data key of those."""
    first = await start.ensure()
    (old,) = first.records
    start.store.writes.clear()
    assert await start.ensure(writes=False) == first

    start.store.tables.signing_keys[old.kid] = replace(old, active=False, retired_at=NOW)
    keys = await start.ensure(writes=False)
    assert [(key.kid, key.active) for key in keys.records] == [(old.kid, False), (start.made[1].kid, True)]
    assert keys.data_key == first.data_key
    assert start.store.writes == []


async def test_a_data_key_that_there_is_is_used(start: Start) -> None:
    """Such as one whose first start went wrong before the signing key was written."""
    data_key = await start.vault.new_key(SYSTEM_OWNER, NOW)
    await start.store.write(AddDataKey(key=data_key))
    keys = await start.ensure()

    assert keys.data_key == data_key
    written = [change for changes in start.store.writes[1:] for change in changes]
    assert [type(change) for change in written] == [AddSigningKey, Record]


async def test_a_signing_key_whose_data_key_was_lost_is_not_replaced_in_silence(start: Start) -> None:
    """What was signed with it would not verify any more: loading it says so, and the broker does not start."""
    await start.ensure()
    start.store.tables.data_keys.clear()
    keys = await start.ensure()

    assert len(keys.records) == 1
    with refusal(SigningKeyRefused, "signing_key_refused"):
        await load_signing_keys(keys.records, keys.data_key, start.vault)


async def test_a_race_that_never_ends_is_given_up(start: Start) -> None:
    """The broker does not start with a key that is not its own."""

    async def take_and_give_up() -> None:
        await Start(start.store).ensure()
        start.store.tables.signing_keys.clear()
        start.store.tables.data_keys.clear()
        await start.store.write(AddDataKey(key=await start.vault.new_key(SYSTEM_OWNER, NOW)))

    async def forget_again() -> None:
        start.store.tables.data_keys.clear()

    start.store.always_before("write", take_and_give_up)
    start.store.always_before("signing_keys", forget_again)
    with refusal(Fault, "contention"):
        await start.ensure()
    assert start.store.tables.signing_keys == {}


async def test_a_store_that_does_not_answer_is_a_fault(start: Start) -> None:
    """The broker does not start."""
    start.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await start.ensure()
