"""What every adapter has to do with a KEK: the local one, AWS KMS as moto and our fake play it, the example."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import boto3
import pytest

from broker.crypto.kek import Kek, WrapContext, kek_of
from broker.crypto.keyring import ArnKek, NamedKey
from broker.crypto.randomness import FreshRandom
from broker.domain.errors import Fault, SealBroken
from tests.crypto.examples import flipped
from tests.examples.files import module
from tests.fakes.kms import FakeKms
from tests.fakes.transit import TOKEN, FakeTransit
from tests.servers.asgi import serving
from tests.servers.kms import found_at, kms_server

pytestmark = pytest.mark.anyio

DATA_KEY = bytes(range(50, 82))
EXAMPLE = module("kek")
CONTEXT = WrapContext(kek_id="", data_key_id="dek_1", owner="usr_1")


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Where KEKs are kept. `new` makes one, under this version."""

    new: Callable[[int], Kek]
    again: Callable[[Kek], Kek]

    def context(self, kek: Kek) -> WrapContext:
        return replace(CONTEXT, kek_id=kek.id)


@pytest.fixture(scope="session")
def worker_moto() -> Iterator[str]:
    """This worker's moto, started when the first test asks for it."""
    with kms_server() as url:
        yield url


@pytest.fixture(params=["local", "moto", "fake", "example"])
async def keeper(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Keeper]:
    """Each in turn."""
    made: dict[str, tuple[Any, Kek]] = {}
    opened: list[Kek] = []

    def open_kek(entry: Any) -> Kek:
        make = EXAMPLE.kek if isinstance(entry, EXAMPLE.TransitEntry) else kek_of
        opened.append(make(entry, FreshRandom()))
        made[entry.id] = (entry, opened[-1])
        return opened[-1]

    def keeper_of(entry: Callable[[int], Any]) -> Keeper:
        return Keeper(new=lambda version: open_kek(entry(version)), again=lambda kek: open_kek(made[kek.id][0]))

    def at(url: str) -> None:
        for name, value in found_at(url).items():
            monkeypatch.setenv(name, value)

    if request.param == "local":
        yield keeper_of(lambda version: NamedKey(id=f"local:main:{version}", key=bytes([version]) * 31 + b"x"))
    elif request.param == "moto":
        url = request.getfixturevalue("worker_moto")
        at(url)
        kms: Any = boto3.session.Session().client("kms", region_name="eu-central-1")
        yield keeper_of(lambda version: ArnKek(id=f"aws:main:{version}", arn=kms.create_key()["KeyMetadata"]["Arn"]))
        kms.close()
    elif request.param == "example":
        transit = FakeTransit()
        with serving(transit.app) as url:
            yield keeper_of(lambda version: transit_entry(f"transit:main:{version}", url, transit.make_key()))
    else:
        fake = FakeKms()
        with serving(fake) as url:
            at(url)
            yield keeper_of(lambda version: ArnKek(id=f"aws:main:{version}", arn=fake.make_key()))
    for kek in opened:
        await kek.close()


def transit_entry(kek_id: str, url: str, key: str) -> Any:
    """As the keyring would name it, but for a machine on which much is going on."""
    return EXAMPLE.TransitEntry(id=kek_id, url=f"{url}/v1/transit", key=key, token=TOKEN, answer_within=30.0)


async def opens(kek: Kek, context: WrapContext, wrapped: bytes) -> bool:
    """Whether it unwraps. Any exception but `SealBroken` fails the test."""
    try:
        return await kek.unwrap(context, wrapped) == DATA_KEY
    except SealBroken:
        return False


async def test_what_was_wrapped_is_unwrapped(keeper: Keeper) -> None:
    """In another process with the same keyring, too."""
    kek = keeper.new(1)
    context = keeper.context(kek)
    wrapped = await kek.wrap(context, DATA_KEY)

    assert await kek.unwrap(context, wrapped) == DATA_KEY
    assert await keeper.again(kek).unwrap(context, wrapped) == DATA_KEY
    assert DATA_KEY not in wrapped


async def test_wrapping_twice_makes_two_wrappings(keeper: Keeper) -> None:
    """Nobody can tell from them that two keys are one."""
    kek = keeper.new(1)
    context = keeper.context(kek)

    assert await kek.wrap(context, DATA_KEY) != await kek.wrap(context, DATA_KEY)


@pytest.mark.parametrize("name", [field.name for field in fields(WrapContext)])
async def test_a_wrapping_is_bound_to_its_context(keeper: Keeper, name: str) -> None:
    """Another owner, another data key, another KEK's name: none of them unwraps it."""
    kek = keeper.new(1)
    context = keeper.context(kek)
    wrapped = await kek.wrap(context, DATA_KEY)
    elsewhere: dict[str, Any] = {name: getattr(context, name) + "x"}

    assert not await opens(kek, replace(context, **elsewhere), wrapped)


async def test_another_kek_does_not_unwrap_it(keeper: Keeper) -> None:
    """Not even under the first one's name."""
    kek, other = keeper.new(1), keeper.new(2)
    context = keeper.context(kek)
    wrapped = await kek.wrap(context, DATA_KEY)

    try:
        assert not await opens(other, context, wrapped)
    except Exception as error:  # noqa: BLE001 - moto says AccessDenied where AWS says IncorrectKey
        assert "AccessDenied" in str(error)


async def test_damage_is_noticed(keeper: Keeper) -> None:
    """Anywhere; and whatever is too short, too long, or nothing at all."""
    kek = keeper.new(1)
    context = keeper.context(kek)
    wrapped = await kek.wrap(context, DATA_KEY)
    places = [0, 1, 12, 20, 32, len(wrapped) - 40, len(wrapped) - 1]
    spoiled = [flipped(wrapped, at) for at in places] + [wrapped[:n] for n in (0, 1, 33, len(wrapped) - 1)]

    assert [other for other in spoiled if await opens(kek, context, other)] == []


async def test_keks_are_told_apart_by_a_fingerprint(keeper: Keeper) -> None:
    """The same in every process, another one for another KEK of the same id."""
    kek = keeper.new(1)
    fingerprint = kek.fingerprint
    again = keeper.again(kek)

    assert (again.id, again.fingerprint) == (kek.id, fingerprint)
    assert keeper.new(2).fingerprint != fingerprint
    assert len(fingerprint) == 32


@pytest.mark.parametrize("why", ["sealed", "another token", "no such key", "nobody there"])
async def test_the_example_says_that_nobody_knows(why: str) -> None:
    """A keeper that is away or refuses us says nothing of the key, which is no reason to give anything up."""
    transit = FakeTransit()
    with serving(transit.app) as url:
        entry = transit_entry("transit:main:1", url, transit.make_key())
        wrapped = await EXAMPLE.kek(entry, FreshRandom()).wrap(CONTEXT, DATA_KEY)
        transit.is_sealed = why == "sealed"
        changes = {"another token": {"token": "hvs.other"}, "no such key": {"key": "broker-9"}}
        kek = EXAMPLE.kek(replace(entry, **changes.get(why, {})), FreshRandom())
        if why != "nobody there":
            with pytest.raises(Fault, match="kms_unavailable") as fault:
                await kek.unwrap(CONTEXT, wrapped)
    if why == "nobody there":
        with pytest.raises(Fault, match="kms_unavailable") as fault:
            await kek.unwrap(CONTEXT, wrapped)

    assert "hvs." not in f"{fault.value!r} {fault.value.detail} {entry!r}"


async def test_the_example_believes_no_other_key() -> None:
    """A keeper that answers another key than the one that was wrapped opens nothing."""
    transit = FakeTransit()
    with serving(transit.app) as url:
        kek = EXAMPLE.kek(transit_entry("transit:main:1", url, transit.make_key()), FreshRandom())
        wrapped = await kek.wrap(CONTEXT, DATA_KEY)
        assert await opens(kek, CONTEXT, wrapped)
        transit.is_lying = True

        assert not await opens(kek, CONTEXT, wrapped)
