"""The keyring is the one this database was written with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.crypto.keyring import Keyring, new_keyring, parse_keyring
from broker.crypto.secrets import KeyringSecrets
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddKeyCheck
from broker.domain.errors import Fault
from broker.flows.keys.prove import prove_keys
from tests.flows.refusals import refusal
from tests.flows.setting import ADA
from tests.flows.texts import holds
from tests.flows.world import KEYRING, World

pytestmark = pytest.mark.anyio

OTHER = parse_keyring(new_keyring())
LOOKUP = "keyring: lookup_keys is not the key that this database was written with"


async def prove(world: World, keyring: Keyring = KEYRING) -> tuple[str, ...]:
    """A broker starts with this keyring."""
    return await prove_keys(world.store, LocalVault(keyring), KeyringSecrets(keyring))


async def test_the_first_start_notes_its_lookup_key(world: World) -> None:
    """By what it makes of a word that everybody knows; the key itself is handed to no store."""
    assert await prove(world) == ()

    (change,) = world.written
    assert isinstance(change, AddKeyCheck)
    key = KEYRING.lookup_keys[0].key
    assert not holds(world.store.received, key.hex())
    assert not holds(world.store.received, key.decode("latin-1"))


async def test_every_later_start_compares(world: World) -> None:
    """And does not even try to write."""
    await prove(world)
    world.forget()

    assert await prove(world) == ()
    assert "write" not in {call[0] for call in world.store.received}


async def test_another_lookup_key_is_refused(world: World) -> None:
    """Under it everybody would be a stranger."""
    await prove(world)
    world.forget()

    assert await prove(world, replace(KEYRING, lookup_keys=OTHER.lookup_keys)) == (LOOKUP,)
    assert world.written == []


async def test_a_missing_kek_is_refused(world: World) -> None:
    """Though it was never noted which lookup key there was: nothing is written before all is well."""
    await world.sign_in(ADA)
    world.forget()
    (problem,) = await prove(world, replace(KEYRING, keks=OTHER.keks))

    assert problem.startswith("KEK local:main:1 in the keyring is not the one that wrapped data key")
    assert world.written == []


async def test_every_problem_is_told_at_once(world: World) -> None:
    """A keyring that is wrong altogether."""
    await prove(world)
    problems = await prove(world, OTHER)

    assert len(problems) == 2
    assert problems[-1] == LOOKUP


@pytest.mark.parametrize(("keyring", "problems"), [(KEYRING, ()), (OTHER, (LOOKUP,))], ids=["the same", "another"])
async def test_two_first_starts_at_once_compare(world: World, keyring: Keyring, problems: tuple[str, ...]) -> None:
    """The second one reads what the first has noted."""
    ours = replace(OTHER, lookup_keys=KEYRING.lookup_keys)
    theirs = replace(OTHER, lookup_keys=keyring.lookup_keys)
    world.store.tables.data_keys.clear()
    world.store.before("write", lambda: prove(world, theirs))

    assert await prove(world, ours) == problems
    assert len(world.written) == 1


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """The broker does not start."""
    world.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await prove(world)
