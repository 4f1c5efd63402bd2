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
from tests.flows.setting import ADA, GRACE
from tests.flows.texts import holds
from tests.flows.world import KEYRING, World

pytestmark = pytest.mark.anyio

OTHER = parse_keyring(new_keyring())
LOOKUP = "keyring: lookup_keys is not the key that this database was written with"


async def prove(world: World, keyring: Keyring = KEYRING, *, writes: bool = True) -> tuple[str, ...]:
    """A broker starts with this keyring; or it is only looked at."""
    return await prove_keys(world.store, LocalVault(keyring), KeyringSecrets(keyring), writes=writes)


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


async def test_who_only_looks_notes_nothing(world: World) -> None:
    """A database without a note fits every lookup key, and goes on doing so."""
    assert await prove(world, writes=False) == ()
    assert await prove(world, replace(KEYRING, lookup_keys=OTHER.lookup_keys), writes=False) == ()

    assert "write" not in {call[0] for call in world.store.received}


async def test_who_only_looks_compares(world: World) -> None:
    """With what the first start noted."""
    await prove(world)

    assert await prove(world, writes=False) == ()
    assert await prove(world, replace(KEYRING, lookup_keys=OTHER.lookup_keys), writes=False) == (LOOKUP,)


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


async def test_the_damaged_data_key_of_one_user_keeps_nobody_out(world: World) -> None:
    """Whoever it is: others under the same KEK open."""
    await world.sign_in(ADA)
    await world.sign_in(GRACE)
    keys = world.store.tables.data_keys
    for owner, key in list(keys.items()):
        keys[owner] = replace(key, wrapped=b"damaged")
        assert await prove(world) == (), owner
        keys[owner] = key


async def test_data_keys_that_are_damaged_one_and_all_are_a_problem(world: World) -> None:
    """As they are under the wrong KEK."""
    await world.sign_in(ADA)
    keys = world.store.tables.data_keys
    keys |= {owner: replace(key, wrapped=b"damaged") for owner, key in keys.items()}

    (problem,) = await prove(world)
    assert problem.startswith("KEK local:main:1 in the keyring is not the one that wrapped data key")


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
