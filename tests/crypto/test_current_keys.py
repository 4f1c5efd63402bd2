"""A process comes to have the signing keys that the database has, in one step, whatever is wrong with one of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from broker.crypto.current_keys import CurrentKeys
from broker.crypto.signing import JwtSigner
from broker.crypto.signing_keys import SigningKeyRefused, generate, load_signing_keys
from broker.crypto.vault import LocalVault
from broker.domain.changes import AddDataKey, AddSigningKey, PromoteSigningKey, RetireSigningKey, RevokeSigningKey
from broker.domain.errors import Fault
from broker.domain.sealing import SYSTEM_OWNER, Place, WrappedKey
from broker.domain.signing_key import SigningKey, place_of
from tests.crypto.examples import KEYRING
from tests.fakes.raced_store import RacedStore

pytestmark = pytest.mark.anyio

NOW = 1_900_000_000


class Process:
    """A broker process that has started with one key; `published` is what it told the world since."""

    def __init__(self) -> None:
        self.store = RacedStore()
        self.vault = LocalVault(KEYRING)
        self.signer = JwtSigner("https://id.example")
        self.published: list[list[str]] = []
        self.current = CurrentKeys(self.signer, self.store, self.vault, self.publish)

    def publish(self) -> None:
        self.published.append(self.kids)

    @property
    def kids(self) -> list[str]:
        return [key["kid"] for key in json.loads(self.signer.jwks())["keys"]]

    @property
    def signs(self) -> str | None:
        return next((key.kid for key in self.signer.keys if key.active), None)

    async def record(self, *, active: bool = False, at: int = NOW) -> SigningKey:
        """A further key, which nobody has written yet."""
        data_key = await self.store.data_key(SYSTEM_OWNER)
        if data_key is None:
            data_key = await self.vault.new_key(SYSTEM_OWNER, NOW)
            await self.store.write(AddDataKey(key=data_key))
        new = generate()
        return SigningKey(
            kid=new.kid,
            alg=new.alg,
            active=active,
            public_jwk=new.public_jwk,
            sealed_private=await self.vault.seal(data_key, place_of(new.kid), new.private_der),
            data_key_id=data_key.id,
            created_at=at,
        )

    async def add(self, *, active: bool = False, at: int = NOW) -> SigningKey:
        record = await self.record(active=active, at=at)
        await self.store.write(AddSigningKey(key=record))
        return record


@pytest.fixture
async def process() -> Process:
    process = Process()
    await process.add(active=True)
    data_key = await process.store.data_key(SYSTEM_OWNER)
    assert data_key is not None
    process.signer.use(await load_signing_keys(await process.store.signing_keys(), data_key, process.vault))
    return process


async def test_while_nothing_changes_it_is_one_read(process: Process) -> None:
    """Nothing is opened, and nothing is published."""
    process.store.received.clear()

    assert await process.current.reload() == 0
    assert process.store.received == [("signing_keys",)]
    assert process.published == []


async def test_a_key_that_was_added_is_published_and_does_not_sign(process: Process) -> None:
    """Until it is promoted: then it does, and the other one is published still."""
    old, new = process.signs, await process.add(at=NOW + 1)
    assert await process.current.reload() == 1
    assert process.published == [[old, new.kid]]
    assert process.signs == old

    assert old is not None
    await process.store.write(RetireSigningKey(kid=old, at=NOW + 2), PromoteSigningKey(kid=new.kid, at=NOW + 2))
    assert await process.current.reload() > 0
    assert process.published[1:] == [[old, new.kid]]
    assert process.signs == new.kid


async def test_a_revoked_key_is_gone(process: Process) -> None:
    """With what it signed."""
    old = process.signs
    assert old is not None
    token = process.signer.sign({"iss": "https://id.example", "exp": NOW + 60}, typ="JWT")
    new = await process.record(active=True, at=NOW + 1)
    await process.store.write(RevokeSigningKey(kid=old, at=NOW + 1), AddSigningKey(key=new))
    assert await process.current.reload() > 0

    assert process.published == [[new.kid]]
    assert process.signs == new.kid
    assert process.signer.verify(token, typ="JWT", audience=None, now=NOW) is None


async def test_a_key_that_is_refused_holds_up_nothing(process: Process) -> None:
    """A revocation beside it takes effect. It is told of each time, until it is mended."""
    old = process.signs
    assert old is not None
    good, bad = await process.record(active=True, at=NOW + 1), await process.record(at=NOW + 2)
    other = await process.record()
    mixed = replace(bad, public_jwk=other.public_jwk)
    await process.store.write(RevokeSigningKey(kid=old, at=NOW + 1), AddSigningKey(key=mixed), AddSigningKey(key=good))
    for _ in range(2):
        with pytest.raises(SigningKeyRefused, match=bad.kid):
            await process.current.reload()
    assert process.published == [[good.kid]]
    assert process.signs == good.kid

    process.store.tables.signing_keys[bad.kid] = bad
    assert await process.current.reload() == 1
    assert process.published[1:] == [[good.kid, bad.kid]]


class Away(LocalVault):
    """A vault whose KEK cannot be reached."""

    async def open(self, key: WrappedKey, place: Place, envelope: bytes) -> bytes:
        raise Fault("kek_unavailable", "What keeps the KEK does not answer.")


async def test_a_kek_that_is_away_holds_up_no_revocation(process: Process) -> None:
    """Only keys that are new need it; they follow when it is back."""
    old, standby = process.signs, await process.add(at=NOW + 1)
    await process.current.reload()
    assert old is not None
    await process.store.write(RevokeSigningKey(kid=old, at=NOW + 2), PromoteSigningKey(kid=standby.kid, at=NOW + 2))
    new = await process.add(at=NOW + 3)
    without = CurrentKeys(process.signer, process.store, Away(KEYRING), process.publish)
    with pytest.raises(Fault, match="kek_unavailable"):
        await without.reload()
    assert (process.kids, process.signs) == ([standby.kid], standby.kid)

    await process.current.reload()
    assert process.kids == [standby.kid, new.kid]


async def test_a_database_that_was_emptied_changes_nothing(process: Process) -> None:
    """Nor does one that does not answer: the keys at hand stay."""
    before = process.kids
    process.store.tables.signing_keys.clear()
    process.store.tables.data_keys.clear()
    assert await process.current.reload() == 0
    process.store.down = True
    with pytest.raises(Fault, match="storage_unavailable"):
        await process.current.reload()

    assert (process.kids, process.published) == (before, [])
