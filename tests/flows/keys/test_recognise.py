"""KEKs are known again, before anything is wrapped by them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from broker.crypto.keyring import Keyring, NamedKey
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddKeyCheck
from broker.domain.errors import Fault
from broker.flows.keys.recognise import recognise_keks
from tests.flows.refusals import refusal
from tests.flows.texts import holds
from tests.flows.world import KEYRING, World

pytestmark = pytest.mark.anyio

NEW = NamedKey(id="local:main:2", key=b"n" * 31 + b"1")
NOT_NEW = NamedKey(id=NEW.id, key=b"n" * 31 + b"2")
WITH_NEW = replace(KEYRING, keks=(*KEYRING.keks, NEW))
PROBLEM = "KEK local:main:2 in the keyring is another key than the one this database knows by that name"


async def recognise(world: World, keyring: Keyring, *, writes: bool = True) -> tuple[str, ...]:
    """A broker starts with this keyring."""
    return await recognise_keks(world.store, LocalVault(keyring), writes=writes)


async def test_each_kek_is_noted_when_it_is_first_seen(world: World) -> None:
    """Also one that wraps nothing yet; of the key itself nothing is handed to the store."""
    assert await recognise(world, WITH_NEW) == ()

    assert {c.name for c in world.written if isinstance(c, AddKeyCheck)} == {"kek local:main:1", "kek local:main:2"}
    assert not holds(world.store.received, NEW.key.hex())
    assert not holds(world.store.received, NEW.key.decode("latin-1"))


async def test_a_kek_that_is_known_is_not_noted_again(world: World) -> None:
    """Every later start only compares."""
    await recognise(world, WITH_NEW)
    world.forget()

    assert await recognise(world, WITH_NEW) == ()
    assert world.written == []


async def test_another_kek_of_the_same_name_is_refused(world: World) -> None:
    """Two hosts made a new KEK, each for itself: what one wrapped, the other would take for damaged."""
    await recognise(world, WITH_NEW)

    assert await recognise(world, replace(WITH_NEW, keks=(*KEYRING.keks, NOT_NEW))) == (PROBLEM,)
    assert await recognise(world, replace(WITH_NEW, keks=(NOT_NEW, *KEYRING.keks))) == (PROBLEM,)


async def test_two_first_starts_at_once_compare(world: World) -> None:
    """The second one reads what the first has noted."""
    await recognise(world, KEYRING)
    for theirs, problems in ((NEW, ()), (NOT_NEW, (PROBLEM,))):
        world.store.tables.key_checks.pop("kek local:main:2", None)
        ring = replace(KEYRING, keks=(*KEYRING.keks, theirs))
        world.store.before("write", lambda ring=ring: recognise(world, ring))  # type: ignore[misc]

        assert await recognise(world, WITH_NEW) == problems


async def test_looking_only_notes_nothing(world: World) -> None:
    """`broker check` writes nothing, and still compares with what is known."""
    assert await recognise(world, WITH_NEW, writes=False) == ()
    assert world.written == []
    await recognise(world, WITH_NEW)

    assert await recognise(world, replace(WITH_NEW, keks=(NOT_NEW,)), writes=False) == (PROBLEM,)


async def test_a_store_that_does_not_answer_is_a_fault(world: World) -> None:
    """The broker does not start."""
    world.store.down = True

    with refusal(Fault, "storage_unavailable"):
        await recognise(world, KEYRING)
