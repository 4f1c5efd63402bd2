"""KEKs in AWS KMS: what it is told, what is made of its answers, and how long anybody waits for one."""

from __future__ import annotations

import asyncio
import base64
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from broker.crypto.aws_kek import ANSWER_WITHIN
from broker.crypto.kek import WrapContext, kek_of
from broker.crypto.keyring import ArnKek, Keyring, KeyringRefused, NamedKey
from broker.crypto.randomness import FreshRandom
from broker.crypto.vault import LocalVault
from broker.domain.errors import Fault, SealBroken
from tests.crypto.examples import KEK, KEYRING, PLACE
from tests.fakes.kms import FakeKms, Mood
from tests.servers.asgi import serving
from tests.servers.kms import found_at

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000


@dataclass(kw_only=True)
class There:
    """A vault whose first KEK is in a KMS. `clock` is the vault's."""

    kms: FakeKms
    keyring: Keyring
    vault: LocalVault
    clock: list[float]

    def another(self) -> LocalVault:
        """Another process, which has unwrapped nothing yet."""
        return LocalVault(self.keyring)


@pytest.fixture
async def there(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[There]:
    """All is well at first."""
    kms, clock = FakeKms(), [0.0]
    with serving(kms) as url:
        for name, value in found_at(url).items():
            monkeypatch.setenv(name, value)
        keyring = replace(KEYRING, keks=(ArnKek(id="aws:main:1", arn=kms.make_key()), KEK))
        vault = LocalVault(keyring, monotonic=lambda: clock[0])
        yield There(kms=kms, keyring=keyring, vault=vault, clock=clock)
        await vault.close()


async def test_kms_is_told_ids_and_nothing_else(there: There) -> None:
    """The encryption context stands in AWS's own logs; what is sealed never gets there."""
    key = await there.vault.new_key("usr_1", NOW)
    envelope = await there.vault.seal(key, PLACE, b"token-canary")
    assert await there.another().open(key, PLACE, envelope) == b"token-canary"

    operations = [operation for operation, _ in there.kms.asked]
    assert operations == ["Encrypt", "Decrypt", "Decrypt"]
    context = {"partner-ops-broker": "data key v1", "kek": "aws:main:1", "data_key": key.id, "owner": "usr_1"}
    assert [asked["EncryptionContext"] for _, asked in there.kms.asked] == [context] * 3
    assert all(
        asked.keys() <= {"KeyId", "Plaintext", "CiphertextBlob", "EncryptionContext"} for _, asked in there.kms.asked
    )
    (arn,) = {asked["KeyId"] for _, asked in there.kms.asked}
    assert arn == there.keyring.keks[0].arn  # type: ignore[union-attr]
    assert b"canary" not in repr(there.kms.asked).encode()


async def test_a_data_key_is_asked_for_once(there: There) -> None:
    """Then it is known for five minutes."""
    key = await there.vault.new_key("usr_1", NOW)
    envelope = await there.vault.seal(key, PLACE, b"token")
    for there.clock[0] in (1.0, 100.0, 299.0):
        await there.vault.open(key, PLACE, envelope)
    assert [operation for operation, _ in there.kms.asked].count("Decrypt") == 1

    there.clock[0] = 300.0
    await there.vault.open(key, PLACE, envelope)
    assert [operation for operation, _ in there.kms.asked].count("Decrypt") == 2


@pytest.mark.parametrize("mood", [Mood.DOWN, Mood.SLOW, Mood.THROTTLED, Mood.FORBIDDING, Mood.RUBBISH])
async def test_what_is_known_goes_on_while_kms_is_away(there: There, mood: Mood) -> None:
    """And what is not known is a `Fault`, within two seconds: nothing is said to be damaged."""
    known, unknown = [await there.vault.new_key(owner, NOW) for owner in ("usr_1", "usr_2")]
    envelope = await there.vault.seal(known, PLACE, b"token")
    there.kms.mood = mood

    assert await there.vault.open(known, PLACE, envelope) == b"token"
    await there.vault.seal(known, PLACE, b"another")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: there.vault.seal(unknown, replace(PLACE, owner="usr_2"), b""),
        lambda: there.vault.new_key("usr_3", NOW),
        lambda: there.vault.rewrap([known]),
        lambda: there.vault.check({"aws:main:1": [unknown]}),
    ]
    for attempt in attempts[: 1 if mood is Mood.SLOW else 4]:
        began = time.monotonic()
        with pytest.raises(Fault) as fault:
            await attempt()
        assert time.monotonic() - began < ANSWER_WITHIN + 1.0
        assert fault.value.code == "kms_unavailable"
        assert "canary" not in str(fault.value)
        assert fault.value.__cause__ is None
        assert fault.value.__suppress_context__
    there.kms.mood = Mood.WELL
    await there.vault.seal(unknown, replace(PLACE, owner="usr_2"), b"")


async def test_kms_away_for_longer_than_keys_are_known_is_a_fault_for_all(there: There) -> None:
    """Five minutes after a KEK was taken away it is of no use to anybody."""
    key = await there.vault.new_key("usr_1", NOW)
    envelope = await there.vault.seal(key, PLACE, b"token")
    there.kms.mood = Mood.FORBIDDING
    there.clock[0] = 300.0

    with pytest.raises(Fault, match="kms_unavailable"):
        await there.vault.open(key, PLACE, envelope)


async def test_many_who_wait_for_a_slow_kms_are_told_in_time(there: There) -> None:
    """More than there are calls at once: who stands in line does not wait longer, and nobody else's work stops."""
    keys = [await there.vault.new_key(f"usr_{number}", NOW) for number in range(40)]
    there.kms.mood = Mood.SLOW
    began, ticks = time.monotonic(), 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    ticking = asyncio.create_task(tick())
    places = [replace(PLACE, owner=key.owner) for key in keys]
    answers = await asyncio.gather(
        *(there.vault.seal(key, place, b"") for key, place in zip(keys, places, strict=True)), return_exceptions=True
    )
    ticking.cancel()

    assert {getattr(answer, "code", None) for answer in answers} == {"kms_unavailable"}
    assert time.monotonic() - began < ANSWER_WITHIN + 2.0
    assert ticks > 10


@pytest.mark.parametrize("mood", [Mood.LYING, Mood.SHORT])
async def test_another_key_than_the_one_that_was_wrapped_is_noticed(there: There, mood: Mood) -> None:
    """G16-10: nothing opens under it, and nothing is sealed under a key that nobody would have afterwards."""
    key = await there.vault.new_key("usr_1", NOW)
    envelope = await there.vault.seal(key, PLACE, b"token")
    there.kms.mood = mood
    after = there.another()

    for attempt in (after.open(key, PLACE, envelope), after.seal(key, PLACE, b"lost")):
        with pytest.raises(SealBroken):
            await attempt
    assert await after.rewrap([key]) == [None]


async def test_keys_move_between_keepers(there: There) -> None:
    """From the keyring into KMS, and back; envelopes stay as they are."""
    local = LocalVault(replace(KEYRING, keks=(KEK,)))
    key = await local.new_key("usr_1", NOW)
    envelope = await local.seal(key, PLACE, b"token")
    (moved,) = await there.vault.rewrap([key])
    assert moved is not None
    assert moved.kek_id == "aws:main:1"
    (back,) = await LocalVault(replace(there.keyring, keks=there.keyring.keks[::-1])).rewrap([moved])
    assert back is not None

    for row in (key, moved, back):
        assert await there.vault.open(row, PLACE, envelope) == b"token"
    with pytest.raises(SealBroken):
        await there.vault.open(replace(moved, wrapped=key.wrapped), PLACE, envelope)
    with pytest.raises(SealBroken):
        await there.vault.open(replace(key, wrapped=moved.wrapped), PLACE, envelope)


async def test_a_check_value_tells_nothing_about_its_key(there: There) -> None:
    """It stands beside the wrapped key, in the database."""
    key = await there.vault.new_key("usr_1", NOW)
    data_key = base64.b64decode(there.kms.asked[0][1]["Plaintext"])

    assert key.wrapped[:1] == b"\x02"
    assert data_key not in key.wrapped
    pieces = {key.wrapped[i : i + 4] for i in range(len(key.wrapped))}
    assert not pieces & {data_key[i : i + 4] for i in range(28)}


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 comes with an extra, which is needed where a keyring has such a KEK, and nowhere else."""
    monkeypatch.delitem(sys.modules, "broker.crypto.aws_kek", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(KeyringRefused) as refused:
        kek_of(ArnKek(id="aws:main:1", arn="arn"), FreshRandom())
    assert refused.value.problems == ("KEK aws:main:1: the library boto3 is missing; install the extra aws",)
    assert kek_of(KEK, FreshRandom()).id == KEK.id


@pytest.mark.parametrize(
    "entry", [NamedKey(id="aws:main:1", key=KEK.key), ArnKek(id="local:main:1", arn="arn")], ids=["aws", "local"]
)
def test_an_entry_of_another_kind_is_a_mistake(entry: NamedKey | ArnKek) -> None:
    """The keyring's reader makes none such."""
    with pytest.raises(TypeError):
        kek_of(entry, FreshRandom())


def test_a_context_is_told_by_its_ids() -> None:
    """It holds no key, so it can be shown."""
    assert repr(WrapContext(kek_id="k", data_key_id="d", owner="o")) == (
        "WrapContext(kek_id='k', data_key_id='d', owner='o')"
    )
