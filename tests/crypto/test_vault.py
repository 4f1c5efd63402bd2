"""The vault: data keys, wrapped under the keyring's KEKs, and the values sealed under them."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import Any

import pytest

from broker.crypto.keyring import NamedKey
from broker.crypto.vault import LocalVault
from broker.domain.errors import Fault, SealBroken
from broker.domain.sealing import SYSTEM_OWNER, WrappedKey
from broker.domain.signing_key import place_of
from broker.flows.ports import Vault
from tests.crypto.examples import KEK, KEYRING, NEW_KEK, PLACE, drawn, flipped, with_keks

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000


def vault_with(*keks: NamedKey) -> LocalVault:
    """A vault which has these KEKs, the first to wrap with, and has unwrapped nothing yet."""
    return LocalVault(with_keks(*keks))


async def opens(vault: Vault, key: WrappedKey, envelope: bytes) -> bool:
    """Whether it opens. Any exception but `SealBroken` fails the test."""
    try:
        await vault.open(key, PLACE, envelope)
    except SealBroken:
        return False
    return True


async def test_what_was_sealed_is_opened() -> None:
    """By another process with the same keyring, too."""
    vault: Vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")

    assert await vault.open(key, PLACE, envelope) == b"token"
    assert await vault_with(KEK).open(key, PLACE, envelope) == b"token"


async def test_a_new_key_is_wrapped_by_the_first_kek() -> None:
    """And says so, with its owner and its age."""
    key = await vault_with(NEW_KEK, KEK).new_key("usr_1", NOW)

    assert (key.kek_id, key.owner, key.created_at) == ("local:main:2", "usr_1", NOW)
    assert key.id.startswith("dek_")


async def test_two_keys_have_nothing_in_common() -> None:
    """Neither their ids nor their bytes, even for one owner."""
    vault = vault_with(KEK)
    first, second = await vault.new_key("usr_1", NOW), await vault.new_key("usr_1", NOW)

    assert first.id != second.id
    assert first.wrapped != second.wrapped
    assert not await opens(vault, second, await vault.seal(first, PLACE, b"token"))


async def test_the_plain_data_key_is_not_in_the_wrapped_one() -> None:
    """Nor in what can be printed of either."""
    data_key = bytes(range(200, 232))
    vault = LocalVault(KEYRING, random=drawn(bytes(16), data_key, bytes(12)))
    key = await vault.new_key("usr_1", NOW)

    assert data_key not in key.wrapped
    for shown in (repr(key), repr(vault)):
        assert data_key.hex() not in shown
        assert repr(data_key)[2:20] not in shown
        assert KEK.key.hex() not in shown


@pytest.mark.parametrize("bit", range(8))
async def test_no_bit_of_a_wrapped_key_can_be_flipped(bit: int) -> None:
    """In no byte."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    spoiled = [replace(key, wrapped=flipped(key.wrapped, at, bit)) for at in range(len(key.wrapped))]

    assert [other.wrapped for other in spoiled if await opens(vault, other, envelope)] == []


async def test_a_wrapped_key_has_one_length() -> None:
    """Shorter, longer and empty ones are refused."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    sizes = [
        size
        for size in range(len(key.wrapped))
        if await opens(vault, replace(key, wrapped=key.wrapped[:size]), envelope)
    ]

    assert sizes == []
    assert not await opens(vault, replace(key, wrapped=key.wrapped + b"\0"), envelope)


@pytest.mark.parametrize(
    "changed",
    [{"id": "dek_2"}, {"owner": "usr_2"}, {"kek_id": "local:main:2"}, {"id": "\ud800"}],
    ids=str,
)
async def test_a_wrapped_key_is_bound_to_its_row(changed: dict[str, Any]) -> None:
    """It cannot be given to another User, another id, or another KEK of the keyring."""
    vault = vault_with(KEK, NEW_KEK)
    key = await vault.new_key("usr_1", NOW)
    moved = replace(key, **changed)

    with pytest.raises(SealBroken):
        await vault.seal(moved, replace(PLACE, owner=moved.owner), b"token")


@pytest.mark.parametrize("name", [field.name for field in fields(PLACE)])
async def test_a_value_opens_at_no_other_place(name: str) -> None:
    """Each field of `Place` is bound."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    value: Any = getattr(PLACE, name)
    elsewhere: dict[str, Any] = {name: value + 1 if isinstance(value, int) else value + "x"}

    with pytest.raises(SealBroken):
        await vault.open(key, replace(PLACE, **elsewhere), envelope)


async def test_one_users_value_opens_for_nobody_else() -> None:
    """Neither when the envelope is put into another User's row, nor when the data key is as well."""
    vault = vault_with(KEK)
    mine, theirs = await vault.new_key("usr_1", NOW), await vault.new_key("usr_2", NOW)
    envelope = await vault.seal(mine, PLACE, b"token")
    their_place = replace(PLACE, owner="usr_2")

    for key in (theirs, mine, replace(mine, owner="usr_2"), replace(theirs, id=mine.id)):
        with pytest.raises(SealBroken):
            await vault.open(key, their_place, envelope)


async def test_nothing_is_sealed_under_another_owners_key() -> None:
    """It would outlive its owner's erasure."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_2", NOW)

    with pytest.raises(ValueError, match="owner"):
        await vault.seal(key, PLACE, b"token")


async def test_an_erased_data_key_takes_its_values_with_it() -> None:
    """A new key for the same owner opens nothing that is older."""
    vault = vault_with(KEK)
    erased = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(erased, PLACE, b"token")
    new = await vault.new_key("usr_1", NOW)

    assert not await opens(vault, new, envelope)
    assert not await opens(vault, replace(new, id=erased.id), envelope)


async def test_the_systems_key_seals_what_belongs_to_no_user() -> None:
    """The private halves of signing keys."""
    vault = vault_with(KEK)
    key = await vault.new_key(SYSTEM_OWNER, NOW)
    place = place_of("kid-1")

    assert await vault.open(key, place, await vault.seal(key, place, b"private half")) == b"private half"


async def test_all_keks_unwrap() -> None:
    """While a new one is introduced, both kinds of keys are in use."""
    before, after = vault_with(KEK), vault_with(NEW_KEK, KEK)
    old, new = await before.new_key("usr_1", NOW), await after.new_key("usr_1", NOW)

    assert await opens(after, old, await before.seal(old, PLACE, b"token"))
    assert await opens(vault_with(KEK, NEW_KEK), new, await after.seal(new, PLACE, b"token"))


async def test_rewrapping_moves_a_key_to_the_first_kek() -> None:
    """Envelopes stay as they are; the old KEK is needed no more, and the old row opens without it no more."""
    key = await vault_with(KEK).new_key("usr_1", NOW)
    envelope = await vault_with(KEK).seal(key, PLACE, b"token")
    (moved,) = await vault_with(NEW_KEK, KEK).rewrap([key])
    assert moved is not None

    assert moved == replace(key, kek_id="local:main:2", wrapped=moved.wrapped)
    assert moved.wrapped != key.wrapped
    assert await opens(vault_with(NEW_KEK), moved, envelope)
    for vault, row in ((vault_with(KEK), moved), (vault_with(NEW_KEK), key)):
        with pytest.raises(Fault, match="kek_missing"):
            await vault.open(row, PLACE, envelope)


async def test_a_key_of_the_first_kek_is_wrapped_anew_as_well() -> None:
    """Another wrapping of the same key: who compares it sees that somebody was there."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    (again,) = await vault.rewrap([key])

    assert again is not None
    assert (again.id, again.kek_id) == (key.id, key.kek_id)
    assert again.wrapped != key.wrapped
    assert await opens(vault, again, envelope)


async def test_what_does_not_unwrap_is_not_rewrapped() -> None:
    """A damaged key stays damaged, is not given a good wrapping, and keeps no other one back."""
    keys = [await vault_with(KEK).new_key(f"usr_{number}", NOW) for number in range(40)]
    spoiled = [replace(key, wrapped=flipped(key.wrapped, 20)) if n % 3 == 0 else key for n, key in enumerate(keys)]
    moved = await vault_with(NEW_KEK, KEK).rewrap(spoiled)

    assert [None if key is None else key.owner for key in moved] == [
        None if n % 3 == 0 else key.owner for n, key in enumerate(keys)
    ]
    assert {key.kek_id for key in moved if key is not None} == {NEW_KEK.id}
    assert await vault_with(KEK).rewrap([]) == []


async def test_a_kek_that_is_not_in_the_keyring_is_no_broken_seal() -> None:
    """It would be taken for damage, and what is damaged is thrown away; the right keyring opens it."""
    key = await vault_with(KEK).new_key("usr_1", NOW)
    envelope = await vault_with(KEK).seal(key, PLACE, b"token")
    without = vault_with(NEW_KEK)

    for attempt in (without.open(key, PLACE, envelope), without.seal(key, PLACE, b""), without.rewrap([key])):
        with pytest.raises(Fault) as fault:
            await attempt
        assert (fault.value.code, fault.value.detail) == ("kek_missing", "local:main:1 is not in the keyring")


async def test_keks_are_told_apart_by_a_fingerprint() -> None:
    """The same in every process; of another key under the same name another one; it is no part of the key."""
    there, elsewhere = vault_with(KEK, NEW_KEK).keks, vault_with(KEK).keks
    other = vault_with(NamedKey(id=KEK.id, key=NEW_KEK.key)).keks

    assert list(there) == [KEK.id, NEW_KEK.id]
    assert there[KEK.id] == elsewhere[KEK.id] != other[KEK.id]
    assert not set(there.values()) & {KEK.key, NEW_KEK.key}


async def test_a_data_key_is_remembered_for_a_time() -> None:
    """So that a KEK which was taken away is of no use soon after; and no longer, however often it is used."""
    clock = [0.0]
    vault = LocalVault(KEYRING, seconds=300.0, monotonic=lambda: clock[0])
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    without = replace(KEYRING, keks=(NEW_KEK,))
    vault._keks = LocalVault(without)._keks  # as if somebody else kept them, and did not answer
    for now in (0.0, 150.0, 299.9):
        clock[0] = now
        assert await opens(vault, key, envelope)

    clock[0] = 300.0
    with pytest.raises(Fault, match="kek_missing"):
        await vault.open(key, PLACE, envelope)


async def test_a_keyring_that_opens_everything_passes_the_check() -> None:
    """As does a database without keys."""
    old, new = await vault_with(KEK).new_key("usr_1", NOW), await vault_with(NEW_KEK).new_key("usr_2", NOW)

    assert await vault_with(NEW_KEK, KEK).check({KEK.id: [old], NEW_KEK.id: [new]}) == ()
    assert await vault_with(KEK).check({}) == ()


async def test_a_missing_kek_is_named() -> None:
    """Retiring a KEK that is still in use is noticed at start."""
    key = await vault_with(KEK).new_key("usr_1", NOW)

    assert await vault_with(NEW_KEK).check({KEK.id: [key]}) == (
        f"KEK local:main:1 is not in the keyring, but wraps data key {key.id}",
    )


async def test_a_wrong_kek_is_named() -> None:
    """The keyring of another deployment has a KEK of this name, too."""
    key = await vault_with(KEK).new_key("usr_1", NOW)
    other = LocalVault(with_keks(NamedKey(id=KEK.id, key=NEW_KEK.key)))

    assert await other.check({KEK.id: [key]}) == (
        f"KEK local:main:1 in the keyring is not the one that wrapped data key {key.id}",
    )
    with pytest.raises(SealBroken):
        await other.seal(key, PLACE, b"token")


async def test_every_kek_that_fails_is_named() -> None:
    """All at once."""
    old, new = await vault_with(KEK).new_key("usr_1", NOW), await vault_with(NEW_KEK).new_key("usr_2", NOW)
    wrong = LocalVault(with_keks(NamedKey(id=KEK.id, key=os.urandom(32))))

    problems = await wrong.check({KEK.id: [old], NEW_KEK.id: [new]})
    assert [problem.split()[1] for problem in problems] == ["local:main:1", "local:main:2"]


@pytest.mark.parametrize("good", range(3))
async def test_one_key_that_opens_speaks_for_its_kek(good: int) -> None:
    """Damaged rows beside it are those Users' trouble, and no reason to keep everybody out."""
    keys = [await vault_with(KEK).new_key(f"usr_{number}", NOW) for number in range(3)]
    keys = [key if n == good else replace(key, wrapped=flipped(key.wrapped, 20)) for n, key in enumerate(keys)]

    assert await vault_with(KEK).check({KEK.id: keys}) == ()


async def test_a_kek_that_opens_none_of_its_keys_is_named_once() -> None:
    """With the first of them."""
    keys = [await vault_with(KEK).new_key(f"usr_{number}", NOW) for number in range(3)]
    damaged = [replace(key, wrapped=b"") for key in keys]

    (problem,) = await vault_with(KEK).check({KEK.id: damaged})
    assert problem.endswith(f"is not the one that wrapped data key {keys[0].id}")
    (problem,) = await vault_with(NEW_KEK).check({KEK.id: keys})
    assert problem.endswith(f"is not in the keyring, but wraps data key {keys[0].id}")


@pytest.mark.parametrize("cached", [0, 1, 100])
async def test_it_makes_no_difference_how_many_keys_are_remembered(cached: int) -> None:
    """More Users than places, in turn, each under the right key."""
    vault = LocalVault(KEYRING, cached=cached)
    keys = [await vault.new_key(f"usr_{number}", NOW) for number in range(5)]
    places = [replace(PLACE, owner=key.owner) for key in keys]
    for _ in range(2):
        sealed = [await vault.seal(key, place, key.owner.encode()) for key, place in zip(keys, places, strict=True)]
        opened = [await vault.open(*row) for row in zip(keys, places, sealed, strict=True)]

        assert opened == [key.owner.encode() for key in keys]


async def test_a_remembered_key_does_not_open_a_spoiled_row() -> None:
    """What is remembered is remembered for exactly this row."""
    vault = vault_with(KEK, NEW_KEK)
    key = await vault.new_key("usr_1", NOW)
    envelope = await vault.seal(key, PLACE, b"token")
    assert await opens(vault, key, envelope)

    assert not await opens(vault, replace(key, wrapped=flipped(key.wrapped, 40)), envelope)
    assert not await opens(vault, replace(key, kek_id=NEW_KEK.id), envelope)


async def test_stuck_randomness_seals_nothing_twice() -> None:
    """The same salt and nonce for two plaintexts would give both away."""
    key = await vault_with(KEK).new_key("usr_1", NOW)
    vault = LocalVault(KEYRING, random=bytes)
    await vault.seal(key, PLACE, b"one")

    with pytest.raises(Fault, match="random_source"):
        for _ in range(2):
            await vault.seal(key, PLACE, b"two")
    with pytest.raises(Fault, match="random_source"):
        for _ in range(2):
            await vault.new_key("usr_2", NOW)


async def test_no_two_envelopes_share_a_salt() -> None:
    """Nor, therefore, a record key."""
    vault = vault_with(KEK)
    key = await vault.new_key("usr_1", NOW)
    salts = {(await vault.seal(key, PLACE, b""))[3 + len(key.id) :][:32] for _ in range(1000)}

    assert len(salts) == 1000
